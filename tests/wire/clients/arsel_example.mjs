// Arsel's own example; only the host is ours.
const response = await fetch(process.argv[2] + "/v1/events/send", {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    Authorization: "Bearer be_your_api_key",
  },
  body: JSON.stringify({
    event: "order.completed",
    email: "john.doe@example.com",
    data: { order_id: "A-1023", total: 149.99 },
  }),
});
const result = await response.json();
console.log(result.id, result.status);
