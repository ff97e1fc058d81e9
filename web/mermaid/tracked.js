// A text that is changed step by step, with the place in the original of every character left.
export class Tracked {
  constructor(text, origin = Array.from({ length: text.length + 1 }, (_, at) => at)) {
    this.text = text;
    this.origin = origin;
  }

  // `make(...match)` gives what stands there instead.
  replace(pattern, make) {
    const parts = [];
    const origin = [];
    let done = 0;
    for (const match of this.text.matchAll(pattern)) {
      const end = match.index + match[0].length;
      const made = make(...match);
      this.#keep(parts, origin, done, match.index);
      parts.push(made);
      for (let i = 0; i < made.length; i++) {
        origin.push(this.origin[Math.min(match.index + i, Math.max(end - 1, match.index))]);
      }
      done = end;
    }
    this.#keep(parts, origin, done, this.text.length);
    origin.push(this.origin[this.text.length]);
    return new Tracked(parts.join(""), origin);
  }

  remove(pattern) {
    return this.replace(pattern, () => "");
  }

  from(start) {
    return new Tracked(this.text.slice(start), this.origin.slice(start));
  }

  trimStart() {
    return this.from(this.text.length - this.text.trimStart().length);
  }

  // Where in the original the character at `at` stands.
  originOf(at) {
    return this.origin[Math.max(0, Math.min(at, this.text.length))];
  }

  #keep(parts, origin, start, end) {
    parts.push(this.text.slice(start, end));
    for (let at = start; at < end; at++) origin.push(this.origin[at]);
  }
}
