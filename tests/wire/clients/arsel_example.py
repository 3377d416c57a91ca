# Arsel's own example; only the host is ours.
import sys

import requests

response = requests.post(
    sys.argv[1] + "/v1/events/send",
    headers={
        "Content-Type": "application/json",
        "Authorization": "Bearer be_your_api_key",
    },
    json={
        "event": "order.completed",
        "email": "john.doe@example.com",
        "data": {"order_id": "A-1023", "total": 149.99},
    },
)
result = response.json()
print(result["id"], result["status"])
