// Calls a server through the npm package `sendwithus`: node sendwithus_client.js <server> <key> < calls
// Standard input is a JSON array of [method, ...arguments]. Prints a JSON array of {error, result}, in order.
const [server, key] = process.argv.slice(2);
const client = require("sendwithus")(key);

// The package has its host built in. Nothing else of it is changed.
const build = client._buildUrl;
client._buildUrl = (...parts) => build.apply(client, parts).replace("https://api.sendwithus.com", server);

const call = ([method, ...given]) =>
  new Promise((resolve) => {
    client[method](...given, (error, result) =>
      resolve({ error: error ? String(error.message) : null, result: error ? null : result }),
    );
  });

(async () => {
  const calls = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const replies = [];
  for (const each of calls) replies.push(await call(each));
  console.log(JSON.stringify(replies));
})();
