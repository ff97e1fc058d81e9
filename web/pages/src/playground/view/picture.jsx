// The picture, what is said when there is none, and what can be done with it.
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { attach, zoom } from "../frame/drawing.js";
import { isRunning } from "../state/job.js";
import { nameOf } from "../state/languages.js";
import { picture } from "../state/picture.js";
import { isWriting, language, text, verdict } from "../state/source.js";
import { Downloads } from "./downloads.jsx";
import { Examples } from "./examples.jsx";
import { Look } from "./look.jsx";

const LARGER = 1.25;
const isSeen = ({ state, isStale }) => state === "drawn" || isStale === true;

function Zoom() {
  if (!isSeen(picture.value)) return null;
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
function Frame({ isAway }) {
  const place = useRef();
  useEffect(() => attach(place.current), []);
  return <div class={`frame ${isAway ? "away" : ""}`} ref={place} inert={isAway} />;
}

function Words() {
  const { state, reason, missing, isStale } = picture.value;
  if (state === "drawn") return missing && <p class="stage-note">Drawn by this page alone. There is no file of it: {missing}</p>;
  if (state === "failed" && isStale) return <p class="stage-note">{verdict.value.errors.length > 0 ? "The source has errors; this is the picture before them." : "This cannot be drawn; it is the picture before."}</p>;
  if (state === "failed") {
    return (
      <div class="stage-words">
        <h2>It cannot be drawn</h2>
        <p>{reason}</p>
      </div>
    );
  }
  if (state === "absent") {
    return (
      <div class="stage-words">
        <h2>The source alone</h2>
        <p>{nameOf(language.value)} is neither checked nor drawn here. Take the source to where it is.</p>
      </div>
    );
  }
  if (state === "drawing" || isWriting.value) return <p class="stage-words quiet">Drawing…</p>;
  return <p class="stage-words quiet">The picture comes when the source does.</p>;
}

export function Picture() {
  const isEmpty = text.value === "" && !isRunning.value;
  return (
    <section class={`card stage ${picture.value.isStale ? "stale" : ""}`} aria-label="Picture" data-by={picture.value.by}>
      {!isEmpty && (
        <div class="panel-head">
          <h2>Picture</h2>
          <Zoom />
          <Look />
          <Downloads />
        </div>
      )}
      <div class="stage-floor">
        <Frame isAway={isEmpty || !isSeen(picture.value)} />
        {isEmpty ? <Examples /> : <Words />}
      </div>
    </section>
  );
}
