<?php
// Arsel's own example; only the host is ours.
$ch = curl_init($argv[1] . "/v1/events/send");
curl_setopt($ch, CURLOPT_HTTPHEADER, [
"Content-Type: application/json",
"Authorization: Bearer be_your_api_key"
]);
curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
curl_setopt($ch, CURLOPT_POST, true);
curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode([
"event" => "order.completed",
"email" => "john.doe@example.com",
"data" => ["order_id" => "A-1023", "total" => 149.99]
]));
$response = curl_exec($ch);
$result = json_decode($response);
echo $result->id, " ", $result->status, "\n";
