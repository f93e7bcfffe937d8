// Keeps events in a file, each once: a line has the event and the place to go on from after it.

import { existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";

export class Kept {
  known = new Set();
  place = null;

  constructor(path) {
    if (existsSync(path)) {
      const bytes = readFileSync(path);
      // What follows the last line break was being written when this ended.
      const whole = bytes.lastIndexOf("\n") + 1;
      truncateSync(path, whole);
      const lines = bytes.subarray(0, whole).toString().split("\n").filter(Boolean);
      lines.map((line) => this.#take(JSON.parse(line)));
    }
    this.file = openSync(path, "a");
  }

  #take({ event, place }) {
    this.known.add(event.id);
    this.place = place ?? this.place;
  }

  /** Keeps an event that is new, with the place after it where that is known. When this returns,
   * both are on the disk. */
  add(event, place = null) {
    if (this.known.has(event.id)) return;
    writeSync(this.file, `${JSON.stringify({ event, place })}\n`);
    fsyncSync(this.file);
    this.#take({ event, place });
  }
}
