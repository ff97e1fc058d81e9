// Enough of each language to colour it: keywords, texts, comments and arrows. Not a parser; the
// verdict is the server's.
import { StreamLanguage } from "@codemirror/language";

const MERMAID =
  "flowchart graph subgraph end direction sequenceDiagram participant actor activate deactivate loop alt else opt par and critical break rect note over classDiagram class namespace stateDiagram stateDiagram-v2 state erDiagram gantt dateFormat axisFormat section title excludes todayMarker journey pie showData gitGraph commit branch checkout merge mindmap timeline quadrantChart requirementDiagram C4Context C4Container C4Component C4Dynamic sankey-beta xychart-beta block-beta architecture-beta group service in kanban packet-beta classDef style linkStyle click accTitle accDescr TD TB LR RL BT";
const PLANTUML =
  "@startuml @enduml participant actor boundary control entity database collections queue as class interface enum abstract extends implements package namespace node component rectangle usecase if then else elseif endif start stop end fork again while endwhile repeat note left right of over title skinparam activate deactivate alt opt loop par group state !theme !include";

const LANGUAGES = {
  mermaid: { keywords: MERMAID, comment: /^%%.*/ },
  graphviz: { keywords: "digraph graph subgraph node edge strict", comment: /^(\/\/.*|#.*|\/\*.*?\*\/)/ },
  plantuml: { keywords: PLANTUML, comment: /^'.*/ },
  d2: { keywords: "direction shape style classes class vars layers scenarios steps near label icon width height tooltip link", comment: /^#.*/ },
};
const STRING = /^"(?:[^"\\]|\\.)*"?/;
const WORD = /^[@!]?[\p{L}_][\p{L}\p{N}_-]*/u;
const ARROW = /^[<>ox*|}{.=~-]*(?:--|==|->|<-|\.\.|~~)[<>ox*|}{.=~-]*/;

function definition({ keywords, comment }) {
  const known = new Set(keywords.split(" "));
  return {
    token(stream) {
      if (stream.eatSpace()) return null;
      if (stream.match(comment)) return "comment";
      if (stream.match(STRING)) return "string";
      if (stream.match(ARROW)) return "operator";
      const word = stream.match(WORD);
      if (word) return known.has(word[0]) ? "keyword" : null;
      stream.next();
      return null;
    },
  };
}

const made = new Map();

/** The extension that colours a language. */
export function languageOf(name) {
  if (!made.has(name)) made.set(name, StreamLanguage.define(definition(LANGUAGES[name])));
  return made.get(name);
}
