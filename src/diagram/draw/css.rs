//! The CSS that may stay in a drawing: plain rules that reach for nothing.
//!
//! Works on text, without a parser's idea of what a browser would make of it: whatever could be
//! read in two ways is left out.

/// A style sheet without its comments, its at-rules and every declaration that reaches elsewhere.
/// What follows an unclosed bracket or string is left out.
pub fn sheet(css: &str) -> String {
    let css = without_comments(css);
    let mut kept = String::with_capacity(css.len());
    let mut rest = css.as_str();
    while let Some((head, block, after)) = next_rule(rest) {
        rest = after;
        let selector = head.trim();
        if selector.is_empty() || selector.contains(['@', '\\', '<', '}', ';']) || selector.contains("]]") {
            continue;
        }
        kept.push_str(selector);
        kept.push('{');
        kept.push_str(&declarations(block));
        kept.push('}');
    }
    kept
}

/// The declarations of a rule or of a `style` attribute that may stay.
pub fn declarations(block: &str) -> String {
    let block = without_comments(block);
    let mut kept = String::with_capacity(block.len());
    for declaration in split(&block) {
        let declaration = declaration.trim();
        if declaration.is_empty() || !is_plain(declaration) {
            continue;
        }
        kept.push_str(declaration);
        kept.push(';');
    }
    kept
}

/// Functions that make a colour, a length, a shape or an effect of what stands in their brackets.
/// Whatever is not here may load something: `url`, `src`, `image`, `image-set`, `cross-fade`,
/// `element`, and what browsers will think of.
#[rustfmt::skip]
const FUNCTIONS: [&str; 67] = [
    // Colours.
    "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix", "light-dark",
    // Numbers and variables.
    "calc", "min", "max", "clamp", "var", "abs", "sign", "round", "mod", "rem", "sin", "cos", "tan", "sqrt", "pow",
    "counter", "counters",
    // Transforms.
    "matrix", "matrix3d", "perspective", "rotate", "rotatex", "rotatey", "rotatez", "rotate3d", "scale", "scalex",
    "scaley", "scalez", "scale3d", "skew", "skewx", "skewy", "translate", "translatex", "translatey", "translatez",
    "translate3d",
    // Effects and time.
    "blur", "brightness", "contrast", "drop-shadow", "grayscale", "hue-rotate", "invert", "opacity", "saturate",
    "sepia", "cubic-bezier", "steps",
    // Shapes.
    "circle", "ellipse", "inset", "polygon", "path",
];

/// Whether a value stays in its own document: `url()` only of a fragment, no other function that
/// could load anything, nothing that old browsers ran, nothing escaped.
pub fn stays_here(value: &str) -> bool {
    let lower: String =
        value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>().to_lowercase();
    if lower.contains(['\\', '<']) {
        return false;
    }
    const REACHING: [&str; 6] = ["@import", "javascript:", "vbscript:", "data:", "-moz-binding", "behavior:"];
    if REACHING.iter().any(|word| lower.contains(word)) {
        return false;
    }
    let are_local = lower.match_indices("url(").all(|(at, word)| {
        let target = lower[at + word.len()..].trim_start_matches(['"', '\'']);
        target.starts_with('#')
    });
    are_local && functions(value).all(|name| name == "url" || FUNCTIONS.contains(&name.as_str()))
}

/// The names before opening brackets, in lower case. Inside of a string too: a string that only
/// looks like one to us is none to a browser.
fn functions(value: &str) -> impl Iterator<Item = String> {
    value.match_indices('(').filter_map(|(at, _)| {
        let before = value[..at].trim_end();
        let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii();
        let length: usize = before.chars().rev().take_while(is_name).map(char::len_utf8).sum();
        let name = &before[before.len() - length..];
        (!name.is_empty()).then(|| name.to_ascii_lowercase())
    })
}

/// A declaration `name: value` whose value stays here.
fn is_plain(declaration: &str) -> bool {
    let Some((name, value)) = declaration.split_once(':') else { return false };
    let name = name.trim();
    // Of no meaning, and left out by browsers; others draw nothing then.
    if name == "stroke-width" && value.trim_start().starts_with('-') {
        return false;
    }
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    is_name
        && !declaration.contains(['{', '}', '@'])
        && !declaration.contains("]]")
        && stays_here(declaration)
}

/// Up to the next `{`, its block without the outer brackets, and what follows. A statement that
/// ends with `;` before any bracket is skipped.
fn next_rule(css: &str) -> Option<(&str, &str, &str)> {
    let mut start = 0;
    let mut depth = 0_usize;
    let mut open = 0;
    for (at, character) in outside_strings(css) {
        match character {
            ';' if depth == 0 => start = at + 1,
            '{' => {
                if depth == 0 {
                    open = at;
                }
                depth += 1;
            }
            '}' if depth == 0 => start = at + 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some((&css[start..open], &css[open + 1..at], &css[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between semicolons that stand outside of strings and brackets. What follows an
/// unclosed one is left out.
fn split(block: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, character) in outside_strings(block) {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => {
                parts.push(&block[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth == 0 && closes_its_strings(block) {
        parts.push(&block[start..]);
    }
    parts
}

/// The characters that stand in no string. A line break ends one, as in CSS.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    text.char_indices().filter(move |(_, character)| match quote {
        Some(mark) => {
            if *character == mark || *character == '\n' {
                quote = None;
            }
            false
        }
        None if matches!(character, '"' | '\'') => {
            quote = Some(*character);
            false
        }
        None => true,
    })
}

fn closes_its_strings(text: &str) -> bool {
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(mark) if character == mark => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => {}
        }
    }
    quote.is_none()
}

/// Comments become a space, so that what stood around them does not grow together.
fn without_comments(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        kept.push(' ');
        match after.split_once("*/") {
            Some((_, after)) => rest = after,
            None => return kept,
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_rules_stay_as_they_are() {
        let css =
            "#d .a>*{fill:#fff;stroke:rgb(1,2,3);}.b{font-family:\"trebuchet ms\",arial;marker:url(#end)}";
        assert_eq!(
            sheet(css),
            "#d .a>*{fill:#fff;stroke:rgb(1,2,3);}.b{font-family:\"trebuchet ms\",arial;marker:url(#end);}"
        );
        let used = "fill:rgba(1,2,3,.5);transform:translate (1px, 2px) rotateX(calc(1deg * (2)));filter:drop-shadow(1px 2px 2px rgb(0 0 0));";
        assert_eq!(declarations(used), used);
        assert_eq!(sheet(".a{ } .c:not(.d), .e { opacity : .5 }"), ".a{}.c:not(.d), .e{opacity : .5;}");
    }

    #[test]
    fn whatever_reaches_elsewhere_is_left_out() {
        for css in [
            "@import 'http://x/a.css'; .a{fill:red}",
            "@import url(http://x);.a{fill:red}",
            "@font-face{src:url(http://x)}.a{fill:red}",
            "@media print{.b{fill:url(http://x)}}.a{fill:red}",
            ".a{background:url(http://x);fill:red}",
            ".a{background:URL( \"//x\" );fill:red}",
            ".a{background:u/**/rl(x);background:url/**/(x);fill:red}",
            ".a{background:\\75rl(x);fill:red}",
            ".a{width:expression(alert(1));fill:red}",
            ".a{-moz-binding:url(#x);fill:red}",
            ".a{x:javascript:alert(1);fill:red}",
            ".a{background:image-set('x' 1x);fill:red}",
            ".a{fill:red;src:url(data:x)}",
            ".a{fill:src(\"http://x\");fill:red}",
            ".a{fill:SRC ( 'http://x' );fill:red}",
            ".a{cursor:image(\"//x\");fill:red}",
            ".a{mask:-webkit-image-set(\"//x\" 1x);fill:red}",
            ".a{mask:cross-fade(\"//x\", \"//y\");fill:red}",
            ".a{mask:-webkit-cross-fade(\"//x\", red, 50%);fill:red}",
            ".a{mask:element(#b);fill:red}",
            ".a{mask:paint(x);fill:red}",
            ".a{fill:rgb(attr(x src(\"//x\")));fill:red}",
            ".a{fill:\u{fb00}rgb(1);fill:red}",
            "</style><script>x{y:z}.a{fill:red}",
            ".a{fill:red}.b{content:'",
        ] {
            assert_eq!(sheet(css).replace(".b{}", ""), ".a{fill:red;}", "{css}");
        }
    }

    #[test]
    fn what_is_unclosed_is_left_out() {
        assert_eq!(sheet(".a{fill:red"), "");
        assert_eq!(declarations("fill:red;stroke:'x"), "fill:red;");
        assert_eq!(declarations("fill:red;stroke:url(#a"), "fill:red;");
        assert_eq!(declarations("fill:red;{};stroke"), "fill:red;");
        assert_eq!(declarations("stroke-width:-4;stroke-width:2px"), "stroke-width:2px;");
    }
}
