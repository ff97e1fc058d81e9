//! Room around a drawing: some kinds are drawn to the very edge, or a little over it.

/// Pixels on every side, for those that leave none themselves.
const MARGIN: f64 = 16.0;
/// The size of a drawing that says none.
const SIZE: (f64, f64) = (400.0, 80.0);
/// What those kinds call themselves in `aria-roledescription`.
const TIGHT: [&str; 9] =
    ["gantt", "packet", "quadrantChart", "radar", "railroad", "sankey", "treeView", "treemap", "venn"];

/// The drawing with its view made larger, if its kind needs that. Text that is not as expected
/// stays as it is.
pub fn framed(svg: &str) -> String {
    let Some(end) = svg.find('>').filter(|_| svg.starts_with("<svg")) else { return svg.to_owned() };
    let (root, rest) = svg.split_at(end);
    let kind = value(root, "aria-roledescription").unwrap_or_default();
    let Some(view) = value(root, "viewBox") else {
        let (width, height) = SIZE;
        return format!("{root} viewBox=\"0 0 {width} {height}\"{rest}");
    };
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Vec<f64> = view.split([' ', ',']).filter_map(number).collect();
    let ([x, y, width, height], true) = (numbers.as_slice(), TIGHT.contains(&kind)) else {
        return svg.to_owned();
    };
    let more = 2.0 * MARGIN;
    let larger = format!("{} {} {} {}", x - MARGIN, y - MARGIN, width + more, height + more);
    let root = root.replacen(view, &larger, 1);
    let root = root.replacen(&format!("max-width: {width}px"), &format!("max-width: {}px", width + more), 1);
    root + rest
}

/// An attribute of a tag as renderers write it: `name="value"`.
fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::framed;

    #[test]
    fn only_tight_kinds_get_more_room() {
        let svg = |kind: &str, view: &str, width: &str| {
            format!(
                "<svg viewBox=\"{view}\" style=\"max-width: {width}px;\" aria-roledescription=\"{kind}\"><g/></svg>"
            )
        };
        assert_eq!(
            framed(&svg("radar", "0 0 700 600", "700")),
            svg("radar", "-16 -16 732 632", "732"),
            "sixteen on every side"
        );
        let flowchart = svg("flowchart-v2", "0 0 700 600", "700");
        assert_eq!(framed(&flowchart), flowchart);
        assert_eq!(framed("<svg id=\"a\"><g/></svg>"), "<svg id=\"a\" viewBox=\"0 0 400 80\"><g/></svg>");
        let broken = svg("radar", "0 0 NaN 600", "700");
        assert_eq!(framed(&broken), broken);
        assert_eq!(framed("text"), "text");
    }
}
