// Infobip's SDK against the host of the first argument: its log-ins, and with each of the four
// kinds of credentials a list of persons, through the HTTP client that its calls go through. The
// second argument: where node_modules is. Prints {step: status or what was answered}.
const [base, modules] = process.argv.slice(2);
const { Infobip, AuthType } = require(modules + "/node_modules/@infobip-api/sdk");

const client = (authType, credentials) => new Infobip({ baseUrl: base, authType, ...credentials });
const persons = (infobip) =>
  infobip.channels.sms.http.get("/people/2/persons", { limit: 1 }).then(
    (answer) => ({ status: answer.status, data: answer.data }),
    (error) => ({ status: error.response?.status, data: error.response?.data }));

(async () => {
  const person = client(AuthType.Basic, { username: "backend", password: "be_your_api_key" });
  const stranger = client(AuthType.Basic, { username: "backend", password: "wrong" });
  const shop = client(AuthType.Basic, { username: "shop", password: "s3cret" });
  const steps = {};

  const session = await person.auth.ibsso.create();
  const token = await shop.auth.oauth2.create();
  const ibsso = client(AuthType.IBSSO, { ibssoToken: session.data.token });
  steps.session = session.status;
  steps.token = [token.status, token.data.token_type];

  steps.app = await persons(client(AuthType.ApiKey, { apiKey: "be_your_api_key" }));
  steps.basic = await persons(person);
  steps.ibsso = await persons(ibsso);
  steps.bearer = await persons(client(AuthType.OAuth, { oauthToken: token.data.access_token }));
  steps.stranger = await persons(stranger);

  // The SDK gives errors back instead of throwing them.
  steps.noSession = (await stranger.auth.ibsso.create()).response.status;
  steps.ended = (await person.auth.ibsso.destroy(session.data.token)).status;
  steps.afterwards = (await persons(ibsso)).status;
  console.log(JSON.stringify(steps));
})();
