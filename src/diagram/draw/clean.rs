//! What a browser may be given of a drawing: the SVG is read, and only elements, attributes and
//! styles on a list are written again. There is no way for anything else to get through.
//!
//! Whoever draws is not trusted: labels are the author's, and a renderer may put them anywhere.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::escape::{minimal_escape, partial_escape};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

use super::css;

/// Levels of elements; a drawing has about ten.
const DEPTH_MAX: usize = 256;
const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// What is written. Filters are those that shadows are made of.
const ELEMENTS: [&str; 41] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "textPath",
    "marker",
    "linearGradient",
    "radialGradient",
    "stop",
    "pattern",
    "clipPath",
    "mask",
    "filter",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feOffset",
    "switch",
];
/// What is left out while its children stay: a link is its text.
const TRANSPARENT: [&str; 1] = ["a"];

/// Attributes of geometry, structure and presentation.
#[rustfmt::skip]
const ATTRIBUTES: [&str; 142] = [
    // Structure.
    "class", "id", "lang", "role", "style", "tabindex", "version", "xml:space", "xml:lang", "aria-label",
    "aria-labelledby", "aria-describedby", "aria-roledescription", "aria-hidden", "preserveAspectRatio", "viewBox",
    // Geometry.
    "cx", "cy", "d", "dx", "dy", "fx", "fy", "height", "lengthAdjust", "pathLength", "points", "r", "rotate", "rx",
    "ry", "textLength", "transform", "width", "x", "x1", "x2", "y", "y1", "y2", "startOffset", "method", "spacing",
    "side",
    // Markers, gradients, patterns, clips, masks.
    "markerHeight", "markerUnits", "markerWidth", "orient", "refX", "refY", "gradientTransform", "gradientUnits",
    "offset", "spreadMethod", "patternContentUnits", "patternTransform", "patternUnits", "clipPathUnits",
    "maskContentUnits", "maskUnits",
    // Filters.
    "filterUnits", "primitiveUnits", "in", "in2", "result", "stdDeviation", "mode", "operator", "type", "values",
    "k1", "k2", "k3", "k4", "slope", "intercept", "amplitude", "exponent", "tableValues", "edgeMode",
    // Presentation.
    "alignment-baseline", "baseline-shift", "clip-path", "clip-rule", "color", "color-interpolation",
    "color-interpolation-filters", "direction", "display", "dominant-baseline", "fill", "fill-opacity", "fill-rule",
    "filter", "flood-color", "flood-opacity", "font", "font-family", "font-kerning", "font-size", "font-size-adjust",
    "font-stretch", "font-style", "font-variant", "font-weight", "letter-spacing", "lighting-color", "marker",
    "marker-end", "marker-mid", "marker-start", "mask", "opacity", "overflow", "paint-order", "shape-rendering",
    "stop-color", "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-align", "text-anchor",
    "text-decoration", "text-rendering", "transform-origin", "unicode-bidi", "vector-effect", "visibility",
    "word-spacing", "writing-mode", "image-rendering", "line-height", "enable-background", "white-space",
    "isolation", "mix-blend-mode",
];

/// Why a drawing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the drawing is no SVG that can be read: {0}")]
pub struct Unreadable(String);

/// The drawing with nothing in it but what is on the lists.
///
/// # Errors
/// [`Unreadable`]: no well-formed XML, another root than `svg`, an entity of its own, or too deep.
pub fn clean(svg: &str) -> Result<String, Unreadable> {
    let mut reader = Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let mut cleaner = Cleaner { out: Writer::new(Vec::with_capacity(svg.len())), ..Cleaner::default() };
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(tag) => cleaner.open(&tag)?,
            Event::Empty(tag) => {
                cleaner.open(&tag)?;
                cleaner.close()?;
            }
            Event::End(_) => cleaner.close()?,
            Event::Text(text) => cleaner.text(&text.xml10_content())?,
            Event::CData(text) => cleaner.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().map_err(unreadable)? {
                    Some(character) => character,
                    None => predefined(&reference)?,
                };
                cleaner.text(character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    if !cleaner.has_root || !cleaner.open.is_empty() {
        return Err(Unreadable("it is not whole".to_owned()));
    }
    String::from_utf8(cleaner.out.into_inner()).map_err(unreadable)
}

/// What becomes of an open element.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Written; its children are looked at.
    Written(String),
    /// A style sheet: its text is gathered.
    Style,
    /// Left out, its children stay.
    Transparent,
    /// Left out with all that is in it.
    Gone,
}

struct Cleaner {
    out: Writer<Vec<u8>>,
    open: Vec<Fate>,
    has_root: bool,
    css: String,
}

impl Default for Cleaner {
    fn default() -> Self {
        Self { out: Writer::new(Vec::new()), open: Vec::new(), has_root: false, css: String::new() }
    }
}

impl Cleaner {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Unreadable> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Unreadable(format!("it is nested more than {DEPTH_MAX} deep")));
        }
        let fate = self.fate(tag);
        match &fate {
            Fate::Written(name) => {
                let is_root = !self.has_root;
                self.has_root = true;
                let written = attributes(tag, name, is_root)?;
                self.write(Event::Start(written))?;
            }
            Fate::Style => self.css.clear(),
            Fate::Transparent | Fate::Gone => {}
        }
        self.open.push(fate);
        Ok(())
    }

    fn fate(&self, tag: &BytesStart<'_>) -> Fate {
        let name = tag.name();
        let name = name.as_ref();
        if self.open.is_empty() && (self.has_root || name != "svg") {
            return Fate::Gone;
        }
        match self.open.last() {
            // Nothing stands inside a style sheet.
            Some(Fate::Gone | Fate::Style) => Fate::Gone,
            _ if name == "style" => Fate::Style,
            _ if ELEMENTS.contains(&name) => Fate::Written(name.to_owned()),
            _ if TRANSPARENT.contains(&name) => Fate::Transparent,
            _ => Fate::Gone,
        }
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        match self.open.pop() {
            Some(Fate::Written(name)) => self.write(Event::End(BytesEnd::new(name))),
            Some(Fate::Style) => {
                let css = css::sheet(&std::mem::take(&mut self.css));
                self.write(Event::Start(BytesStart::new("style")))?;
                // Quotation marks stay: not every reader of CSS in XML knows their entities.
                self.write(Event::Text(BytesText::from_escaped(minimal_escape(css.as_str()))))?;
                self.write(Event::End(BytesEnd::new("style")))
            }
            Some(Fate::Transparent | Fate::Gone) => Ok(()),
            None => Err(Unreadable("an element is closed that was not opened".to_owned())),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Unreadable> {
        match self.open.last() {
            Some(Fate::Style) => {
                self.css.push_str(text);
                Ok(())
            }
            Some(Fate::Written(_) | Fate::Transparent) => {
                let text: Cow<'_, str> = if text.chars().all(is_xml) {
                    text.into()
                } else {
                    text.chars().filter(|character| is_xml(*character)).collect::<String>().into()
                };
                self.write(Event::Text(BytesText::from_escaped(partial_escape(text))))
            }
            Some(Fate::Gone) | None => Ok(()),
        }
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        self.out.write_event(event).map_err(unreadable)
    }
}

/// The element with those of its attributes that are on the list.
fn attributes(tag: &BytesStart<'_>, name: &str, is_root: bool) -> Result<BytesStart<'static>, Unreadable> {
    let mut written = BytesStart::new(name.to_owned());
    if is_root {
        written.push_attribute(("xmlns", SVG));
        written.push_attribute(("xmlns:xlink", XLINK));
    }
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(unreadable)?;
        let key = attribute.key;
        let key = key.as_ref();
        if let Some(value) = allowed(key, &attribute, name)? {
            written.push_attribute((key, value.as_str()));
        }
    }
    Ok(written)
}

/// The attribute's value as it may be written; `None`: not at all.
fn allowed(key: &str, attribute: &Attribute<'_>, element: &str) -> Result<Option<String>, Unreadable> {
    let is_reference = matches!(key, "href" | "xlink:href");
    let is_data = key.strip_prefix("data-").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    });
    if !is_reference && !is_data && !ATTRIBUTES.contains(&key) {
        return Ok(None);
    }
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(unreadable)?;
    let value: String = value.chars().filter(|character| is_xml(*character)).collect();
    Ok(match key {
        "style" => Some(css::declarations(&value)).filter(|style| !style.is_empty()),
        _ if is_reference => {
            let refers = matches!(
                element,
                "use" | "textPath" | "linearGradient" | "radialGradient" | "pattern" | "filter"
            );
            Some(value).filter(|value| refers && value.starts_with('#'))
        }
        // Text for people and programs, which no browser follows.
        _ if is_data || key.starts_with("aria-") => Some(value),
        "class" | "id" | "d" | "points" => Some(value),
        _ => Some(value).filter(|value| css::stays_here(value)),
    })
}

/// The five entities that XML knows without being told.
fn predefined(name: &str) -> Result<char, Unreadable> {
    Ok(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        // Graphviz writes it, and no document type says what it is.
        "nbsp" => '\u{a0}',
        _ => return Err(Unreadable("it has an entity of its own".to_owned())),
    })
}

/// Whether XML 1.0 knows the character.
pub(super) const fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn unreadable(reason: impl std::fmt::Display) -> Unreadable {
    Unreadable(reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">";

    fn inside(text: &str) -> String {
        let cleaned = clean(&format!("<svg>{text}</svg>")).unwrap();
        cleaned.strip_prefix(HEAD).unwrap().strip_suffix("</svg>").unwrap().to_owned()
    }

    #[test]
    fn a_drawing_stays_what_it_is() {
        for text in [
            "<g class=\"a\" transform=\"translate(1,2)\"><path d=\"M0 0L1 1\" marker-end=\"url(#m)\"></path></g>",
            "<text x=\"1\"><tspan dy=\"1em\">a &lt; b &amp; c</tspan></text>",
            "<style>#d .a{fill:red;}</style>",
            "<use href=\"#a\"></use>",
            "<text>日本語 👍</text>",
        ] {
            assert_eq!(inside(text), text);
        }
    }

    #[test]
    fn what_is_not_on_the_lists_is_gone() {
        for (text, left) in [
            ("<script>alert(1)</script>", ""),
            ("<SCRIPT>alert(1)</SCRIPT>", ""),
            ("<svg:script xmlns:svg='http://www.w3.org/2000/svg'>alert(1)</svg:script>", ""),
            ("<g><foreignObject><div><g>x</g></div></foreignObject></g>", "<g></g>"),
            ("<g onload='a()' onClick='b()'/>", "<g></g>"),
            ("<g xmlns='http://www.w3.org/1999/xhtml'/>", "<g></g>"),
            ("<image href='http://x/a.png'/>", ""),
            ("<a xlink:href='javascript:a()'><text>t</text></a>", "<text>t</text>"),
            ("<use href='http://x#a'/><use xlink:href='data:x'/>", "<use></use><use></use>"),
            ("<set attributeName='href' to='javascript:x'/><animate/>", ""),
            ("<g style='fill:url(http://x);stroke:red'/>", "<g style=\"stroke:red;\"></g>"),
            ("<g fill='url(//x)' stroke='url(#a)'/>", "<g stroke=\"url(#a)\"></g>"),
            (
                "<g fill='src(\"http://x\")' transform='translate(1 2)'/>",
                "<g transform=\"translate(1 2)\"></g>",
            ),
            ("<g fill='URL (http://x)' mask='u&#x72;l(//x)'/>", "<g></g>"),
            ("<style>@import '//x';</style>", "<style></style>"),
            ("<style><![CDATA[a{fill:url(//x)}</style><script>]]></style>", "<style>a{}</style>"),
            ("<!-- <script> --><?xml-stylesheet href='//x'?>", ""),
            ("<text>]]&gt;&#60;script&gt;</text>", "<text>]]&gt;&lt;script&gt;</text>"),
            ("<title><script>x</script>t</title>", "<title>t</title>"),
        ] {
            assert_eq!(inside(text), left, "{text}");
        }
    }

    #[test]
    fn only_one_whole_svg_is_a_drawing() {
        for text in [
            "",
            "text",
            "<html/>",
            "<svg>",
            "<svg></g></svg>",
            "<svg><g></svg>",
            "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
            "<svg a='1' a='2'/>",
            "<svg a=1/>",
        ] {
            assert!(clean(text).is_err(), "{text}");
        }
        let deep = format!("<svg>{}{}</svg>", "<g>".repeat(DEPTH_MAX), "</g>".repeat(DEPTH_MAX));
        assert!(clean(&deep).is_err());
        let two = clean("<?xml version='1.0'?><!DOCTYPE svg><svg/><svg><g/></svg>").unwrap();
        assert_eq!(two, format!("{HEAD}</svg>"));
    }
}
