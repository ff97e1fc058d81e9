// Numbers and times as people say them.

/** "8 s", "3 min", "2 h". */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** The time of day; with the date when it is not today's. */
export function moment(text) {
  const time = new Date(text);
  return (time.toDateString() === new Date().toDateString() ? CLOCK : DAY).format(time);
}

/** A text of the server with its times as this place has them. */
export function withLocalTimes(text) {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, moment);
}

/** "1 error", "2 errors". */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
