// The picture, what is said when there is none, and what can be done with it.
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { attach, zoom } from "../frame/drawing.js";
import { isRunning } from "../state/job.js";
import { picture } from "../state/picture.js";
import { isWriting, text, verdict } from "../state/source.js";
import { Downloads } from "./downloads.jsx";
import { Examples } from "./examples.jsx";

const LARGER = 1.25;

function Zoom() {
  if (picture.value.url || picture.value.state === "none") return null;
  return (
    <div class="zoom" role="group" aria-label="Size of the picture">
      <button type="button" class="icon-button" onClick={() => zoom(1 / LARGER)} aria-label="Smaller">
        <Icon name="minus" />
      </button>
      <button type="button" class="icon-button" onClick={() => zoom()} aria-label="As it fits">
        <Icon name="fit" />
      </button>
      <button type="button" class="icon-button" onClick={() => zoom(LARGER)} aria-label="Larger">
        <Icon name="plus" />
      </button>
    </div>
  );
}

/** The element of the frame, which the page makes and remakes by itself. */
function Frame({ isSeen }) {
  const place = useRef();
  useEffect(() => attach(place.current), []);
  return <div class={`frame ${isSeen ? "" : "away"}`} ref={place} inert={!isSeen} />;
}

function Words() {
  const { state, reason, isStale, isAbsent } = picture.value;
  if (state === "failed" && isStale) return <p class="stage-note">{verdict.value.errors.length > 0 ? "The source has errors; this is the picture before them." : "This cannot be drawn; it is the picture before."}</p>;
  if (state === "failed") {
    return (
      <div class="stage-words">
        <h2>{isAbsent ? "No picture here" : "It cannot be drawn"}</h2>
        <p>{reason}</p>
      </div>
    );
  }
  if (state === "drawing" || isWriting.value) return <p class="stage-words quiet">Drawing…</p>;
  return <p class="stage-words quiet">The picture comes when the source does.</p>;
}

export function Picture() {
  const { state, url, isStale } = picture.value;
  const isSeen = url === undefined && (state === "drawn" || isStale === true);
  const isEmpty = text.value === "" && !isRunning.value;
  return (
    <section class={`card stage ${isStale ? "stale" : ""}`} aria-label="Picture">
      {!isEmpty && (
        <div class="panel-head">
          <h2>Picture</h2>
          <Zoom />
          <Downloads />
        </div>
      )}
      <div class="stage-floor">
        <Frame isSeen={isSeen && !isEmpty} />
        {url && <img src={url} alt="The diagram" />}
        {isEmpty ? <Examples /> : (!isSeen || isStale) && !url && <Words />}
      </div>
    </section>
  );
}
