// Is sent a feed: SECRET=whsec_… node webhook.mjs PORT FILE
//
// The secret is what `POST /v1/subscriptions` answered. With the library `standardwebhooks`, `signed`
// is one call.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { Kept } from "./kept.mjs";

const secret = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
const [port, file] = process.argv.slice(2);
const kept = new Kept(file);

/** Whether this comes from the hub, and lately. */
function signed(headers, body) {
  const stamp = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - stamp) <= 300)) return false;
  const hmac = createHmac("sha256", secret);
  hmac.update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body);
  const right = Buffer.from(`v1,${hmac.digest("base64")}`);
  const given = (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return given.some((one) => one.length === right.length && timingSafeEqual(one, right));
}

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const isSigned = signed(request.headers, body);
  if (isSigned) kept.add(JSON.parse(body));
  // After this answer the hub does not send it again.
  response.writeHead(isSigned ? 204 : 401).end();
}).listen(Number(port), "127.0.0.1");
