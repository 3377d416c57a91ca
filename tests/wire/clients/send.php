<?php
// Sends what standard input lists, [{url, headers, body}], and prints [{status, body}].
$answers = [];
$ch = curl_init();
foreach (json_decode(stream_get_contents(STDIN)) as $one) {
    $headers = ["Content-Type: application/json"];
    foreach ($one->headers as $name => $value)
        $headers[] = "$name: $value";
    curl_setopt_array($ch, [
        CURLOPT_URL => $one->url,
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => json_encode($one->body),
    ]);
    $body = curl_exec($ch);
    if ($body === false)
        exit(curl_error($ch));
    $answers[] = ["status" => curl_getinfo($ch, CURLINFO_RESPONSE_CODE), "body" => $body];
}
echo json_encode($answers);
