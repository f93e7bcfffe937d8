// Follows the hub's stream at a RabbitMQ: BROKER=amqp://… node amqp.mjs FILE
//
// Wants the library amqplib.

import amqp from "amqplib";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { Kept } from "./kept.mjs";

const kept = new Kept(process.argv[2]);
for (;;) {
  try {
    const connection = await amqp.connect(process.env.BROKER);
    const gone = once(connection, "close");
    connection.on("error", (away) => console.error(String(away)));
    const channel = await connection.createChannel();
    await channel.prefetch(100); // a stream gives nothing without it
    // From the last offset that is kept: that event comes once more, and is known.
    const start = { "x-stream-offset": kept.place ?? "first" };
    await channel.consume("lienthong.feed", (message) => {
      if (!message) return; // the stream is gone
      const offset = Number(message.properties.headers["x-stream-offset"]);
      kept.add(JSON.parse(message.content), offset);
      channel.ack(message);
    }, { arguments: start });
    await gone;
  } catch (away) {
    console.error(String(away));
  }
  await pause(1000);
}
