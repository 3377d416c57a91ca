"""Sends what standard input lists, [{url, headers, body}], and prints [{status, body}]."""
import json
import sys

import requests

answers = []
with requests.Session() as session:
    for one in json.load(sys.stdin):
        response = session.post(one["url"], headers=one["headers"], json=one["body"], timeout=20)
        answers.append({"status": response.status_code, "body": response.text})
print(json.dumps(answers))
