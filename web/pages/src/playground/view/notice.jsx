// What went wrong and what to do: a limit with its way up, or an error.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { duration, moment } from "../../shared/words.js";
import { dismiss, notice } from "../state/notice.js";

/** Seconds until a moment; ends the notice when it has come. */
function Countdown({ until, isHourSaid }) {
  const [left, setLeft] = useState((until - Date.now()) / 1000);
  useEffect(() => {
    const timer = setInterval(() => {
      const seconds = (until - Date.now()) / 1000;
      if (seconds <= 0) dismiss();
      else setLeft(seconds);
    }, 1000);
    return () => clearInterval(timer);
  }, [until]);
  return (
    <p class="until">
      <Icon name="clock" />
      Again in {duration(left)}
      {left > 600 && !isHourSaid && `, at ${moment(until)}`}
    </p>
  );
}

function Upgrade({ upgrade: { tier, message, url } }) {
  return (
    <div class="upgrade">
      <p>{message}</p>
      {url ? (
        <a class="button primary" href={url} target="_blank" rel="noopener noreferrer">
          Go to {tier}
        </a>
      ) : (
        <p class="hint">Ask whoever runs this server for the tier “{tier}”.</p>
      )}
    </div>
  );
}

export function Notice() {
  const card = useRef();
  // What was pressed may be far from here.
  useEffect(() => card.current?.scrollIntoView({ block: "nearest" }), [notice.value]);
  if (!notice.value) return null;
  const { kind, title, text, details = [], until, upgrade, again } = notice.value;
  return (
    <section class={`card notice ${kind}`} role="alert" ref={card}>
      <Icon name={kind === "limit" ? "clock" : "alert"} />
      <div class="notice-words">
        <h2>{title}</h2>
        <p>{text}</p>
        {details.length > 0 && (
          <ul>
            {details.map((detail) => (
              <li key={detail}>{detail}</li>
            ))}
          </ul>
        )}
        {until !== undefined && <Countdown until={until} isHourSaid={text.includes(moment(until))} />}
        {upgrade && <Upgrade upgrade={upgrade} />}
        {again && (
          <button type="button" class="button" onClick={again}>
            Try again
          </button>
        )}
      </div>
      <button type="button" class="icon-button" onClick={dismiss} aria-label="Close this message">
        <Icon name="close" />
      </button>
    </section>
  );
}
