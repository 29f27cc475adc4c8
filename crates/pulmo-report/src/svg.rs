//! A small plotting core: a canvas in pixels, and axes that map numbers onto it.

/// Colours told apart with any colour vision (Okabe and Ito 2008).
const COLOURS: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333"];

/// The colour of the curve at `index`.
pub(super) fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// `text` safe in HTML and SVG, as content and as an attribute's value. Control characters, which
/// XML forbids, become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(character),
            '\u{FFFE}' | '\u{FFFF}' => safe.push('\u{FFFD}'),
            _ if character.is_control() => safe.push('\u{FFFD}'),
            _ => safe.push(character),
        }
    }
    safe
}

/// Where text is anchored, and by how many degrees it is turned there, clockwise.
pub(super) struct Turned {
    pub(super) at: [f64; 2],
    pub(super) degrees: f64,
}

impl Turned {
    /// Text that runs upwards.
    pub(super) fn up(at: [f64; 2]) -> Self {
        Self { at, degrees: -90.0 }
    }
}

/// A picture under way: x to the right, y down, in pixels. Styles are SVG attributes.
pub(super) struct Canvas {
    size: [f64; 2],
    title: String,
    body: String,
}

impl Canvas {
    /// A white picture of `[width, height]` with `title` above.
    pub(super) fn new(size: [f64; 2], title: &str) -> Self {
        let mut canvas = Self { size, title: escape(title), body: String::new() };
        canvas.rectangle([0.0, 0.0, size[0], size[1]], "fill=\"#fff\"");
        canvas.text(
            [size[0] / 2.0, 26.0],
            "text-anchor=\"middle\" font-size=\"15\" font-weight=\"600\"",
            title,
        );
        canvas
    }

    pub(super) fn rectangle(&mut self, [x, y, width, height]: [f64; 4], style: &str) {
        let place = format!("x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"");
        self.body += &format!("<rect {place} {style}/>\n");
    }

    pub(super) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], style: &str) {
        let place = format!("x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\"");
        self.body += &format!("<line {place} {style}/>\n");
    }

    pub(super) fn circle(&mut self, [x, y]: [f64; 2], radius: f64, style: &str) {
        self.body += &format!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" {style}/>\n");
    }

    pub(super) fn text(&mut self, [x, y]: [f64; 2], style: &str, text: &str) {
        self.body += &format!("<text x=\"{x:.2}\" y=\"{y:.2}\" {style}>{}</text>\n", escape(text));
    }

    /// Text turned around its anchor.
    pub(super) fn turned_text(&mut self, place: Turned, style: &str, text: &str) {
        let Turned { at: [x, y], degrees } = place;
        let turn = format!("{style} transform=\"rotate({degrees:.0} {x:.2} {y:.2})\"");
        self.text([x, y], &turn, text);
    }

    /// A line through `points`; points nearer than a fifth of a pixel to the last are left out, so
    /// that a hundred thousand samples do not make a hundred thousand points. Nothing without points.
    pub(super) fn polyline(&mut self, points: &[[f64; 2]], style: &str) {
        if points.is_empty() {
            return;
        }
        let mut kept: Vec<[f64; 2]> = Vec::new();
        for (index, &point) in points.iter().enumerate() {
            let near = |last: &[f64; 2]| (last[0] - point[0]).hypot(last[1] - point[1]) < 0.2;
            if index + 1 == points.len() || !kept.last().is_some_and(near) {
                kept.push(point);
            }
        }
        let texts: Vec<String> = kept.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect();
        self.body += &format!("<polyline points=\"{}\" fill=\"none\" {style}/>\n", texts.join(" "));
    }

    /// The picture as an SVG document that can also stand inside HTML.
    pub(super) fn finish(self) -> String {
        let [width, height] = self.size;
        let font =
            "font-family=\"Helvetica Neue, Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\"";
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" {font}>\n<title>{}</title>\n{}</svg>\n",
            self.title, self.body
        )
    }
}

/// A rectangle of the canvas over which both axes run from 0 to 1.
pub(super) struct Axes {
    /// Pixels of the left edge.
    pub(super) left: f64,
    /// Pixels of the upper edge.
    pub(super) top: f64,
    /// Pixels along x.
    pub(super) width: f64,
    /// Pixels along y.
    pub(super) height: f64,
}

impl Axes {
    /// Where the point `(x, y)` lies on the canvas.
    pub(super) fn at(&self, x: f64, y: f64) -> [f64; 2] {
        [self.left + x * self.width, self.top + (1.0 - y) * self.height]
    }

    /// Grid, frame, ticks every 0.2 and the names of both axes.
    pub(super) fn draw(&self, canvas: &mut Canvas, names: [&str; 2]) {
        self.draw_scaled(canvas, names, |tick| format!("{tick:.1}"));
    }

    /// The same with the ticks of the y axis written by `label`.
    pub(super) fn draw_scaled(
        &self,
        canvas: &mut Canvas,
        [x_name, y_name]: [&str; 2],
        label: impl Fn(f64) -> String,
    ) {
        for tick in (0..=5).map(|fifth| f64::from(fifth) / 5.0) {
            canvas.line(self.at(tick, 0.0), self.at(tick, 1.0), "stroke=\"#e6e6e6\"");
            canvas.line(self.at(0.0, tick), self.at(1.0, tick), "stroke=\"#e6e6e6\"");
            let [x, y] = self.at(tick, 0.0);
            canvas.text([x, y + 18.0], "text-anchor=\"middle\"", &format!("{tick:.1}"));
            let [x, y] = self.at(0.0, tick);
            canvas.text([x - 8.0, y + 4.0], "text-anchor=\"end\"", &label(tick));
        }
        self.frame(canvas);
        let [x, y] = self.at(0.5, 0.0);
        canvas.text([x, y + 38.0], "text-anchor=\"middle\" font-size=\"13\"", x_name);
        let [x, y] = self.at(0.0, 0.5);
        canvas.turned_text(Turned::up([x - 42.0, y]), "text-anchor=\"middle\" font-size=\"13\"", y_name);
    }

    /// The frame alone.
    pub(super) fn frame(&self, canvas: &mut Canvas) {
        let place = [self.left, self.top, self.width, self.height];
        canvas.rectangle(place, "fill=\"none\" stroke=\"#444\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(escape("<a href='x'>&\"\u{1}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{FFFD}");
        let svg = Canvas::new([10.0, 10.0], "</title><script>").finish();
        assert!(!svg.contains("<script>"), "{svg}");
    }

    #[test]
    fn the_corners_of_the_axes() {
        let axes = Axes { left: 10.0, top: 20.0, width: 100.0, height: 50.0 };
        assert_eq!((axes.at(0.0, 0.0), axes.at(1.0, 1.0)), ([10.0, 70.0], [110.0, 20.0]));
    }

    #[test]
    fn long_lines_are_thinned_but_keep_their_ends() {
        let mut canvas = Canvas::new([100.0, 100.0], "");
        let points: Vec<[f64; 2]> = (0..=100_000).map(|i| [f64::from(i) / 1000.0, 5.0]).collect();
        canvas.polyline(&points, "");
        let svg = canvas.finish();
        assert!(svg.len() < 10_000 && svg.contains("\"0.00,5.00 ") && svg.contains(" 100.00,5.00\""));
    }
}
