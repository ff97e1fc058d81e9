// Where a request stands, in a colour and in words.
const TONES = { queued: "wait", processing: "busy", completed: "good", failed: "bad", cancelled: "off", expired: "warn" };

export function Status({ status }) {
  return (
    <span class={`status ${TONES[status]}`}>
      <i aria-hidden="true" />
      {status}
    </span>
  );
}
