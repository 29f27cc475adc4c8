//! What functions take and what they fail with: values with names, not tuples and not texts.

use super::sources::sources;

/// A function's name and its parameters, as written.
struct Signature<'a> {
    name: &'a str,
    parameters: Vec<&'a str>,
}

/// Where the bracket that opens `text` is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' || before == '=' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place);
        }
        before = c;
    }
    None
}

/// The parts of `text` between separators that no bracket holds.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut place) = (Vec::new(), 0, 0);
    while let Some(c) = text[place..].chars().next() {
        if matches!(c, '(' | '[' | '{' | '<') {
            place += closing(&text[place..]).unwrap_or(0);
        } else if c == separator {
            parts.push(text[start..place].trim());
            start = place + 1;
        }
        place += text[place..].chars().next().map_or(1, char::len_utf8);
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// All functions of `code`.
fn signatures(code: &str) -> Vec<Signature<'_>> {
    let mut found = Vec::new();
    for (place, _) in code.match_indices("fn ") {
        let is_word = !code[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = &code[place + 3..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, mut rest) = rest.split_at(end);
        if rest.starts_with('<') {
            rest = closing(rest).map_or("", |end| &rest[end + 1..]);
        }
        if let Some(end) = closing(rest).filter(|_| is_word && rest.starts_with('(')) {
            found.push(Signature { name, parameters: parts(&rest[1..end], ',') });
        }
    }
    found
}

/// Whether a parameter's type is a tuple, or a reference to one.
fn is_tuple(parameter: &str) -> bool {
    let Some(mut of_type) = parts(parameter, ':').into_iter().skip(1).last() else { return false };
    while let Some(rest) = of_type.strip_prefix('&').or_else(|| of_type.strip_prefix("mut ")) {
        of_type = rest.trim_start();
        if of_type.starts_with('\'') {
            of_type = of_type.split_once(' ').map_or("", |(_, rest)| rest);
        }
    }
    let inner = of_type.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.is_some_and(|inner| parts(inner, ',').len() > 1)
}

/// The results in `code` whose error is a text.
fn text_errors(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (place, _) in code.match_indices("Result<") {
        let of_result = &code[place + "Result".len()..];
        let Some(end) = closing(of_result) else { continue };
        let error = parts(&of_result[1..end], ',').get(1).copied().unwrap_or("");
        if error == "String" || (error.starts_with('&') && error.ends_with(" str")) || error == "&str" {
            found.push(&code[place..place + "Result".len() + end + 1]);
        }
    }
    found.extend(
        ["type Err = String;", "type Error = String;"].into_iter().filter(|text| code.contains(text)),
    );
    found
}

#[test]
fn no_function_takes_a_tuple() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for source in sources() {
        for signature in signatures(&source.code) {
            seen += 1;
            let tuples = signature.parameters.iter().filter(|parameter| is_tuple(parameter));
            wrong.extend(tuples.map(|tuple| format!("{}: {}, {tuple}", source.name, signature.name)));
        }
    }
    assert!(seen > 1000, "{seen} functions");
    assert!(wrong.is_empty(), "{} tuples:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_error_is_a_text() {
    let told = |source: super::sources::Source| -> Vec<String> {
        text_errors(&source.code).into_iter().map(|error| format!("{}: {error}", source.name)).collect()
    };
    let wrong: Vec<String> = sources().into_iter().flat_map(told).collect();
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tuples_and_texts_are_found() {
    let code = "fn a<T: Into<(u8, u8)>>(&self, (x, y): (u8, Option<[f64; 3]>)) -> Result<(), String> {} \
                pub(super) fn b(pair: &'a mut (u8, u8), f: &(dyn Fn(usize) + Sync), g: impl Fn((u8, u8))) {} \
                fn c([x, y]: [f64; 2], &Place { a, b }: &Place, path: std::path::Path, nothing: ()) \
                -> Result<(u8, u8), Error> {} fn d(&Pair { a, .. }: &(u8, u8)) -> Result<u8, &'static str>;";
    let all = signatures(code);
    assert_eq!(
        all.iter().map(|one| (one.name, one.parameters.len())).collect::<Vec<_>>(),
        [("a", 2), ("b", 3), ("c", 4), ("d", 1)]
    );
    let tuples: Vec<&str> =
        all.iter().flat_map(|one| &one.parameters).copied().filter(|one| is_tuple(one)).collect();
    assert_eq!(
        tuples,
        ["(x, y): (u8, Option<[f64; 3]>)", "pair: &'a mut (u8, u8)", "&Pair { a, .. }: &(u8, u8)"]
    );
    assert_eq!(text_errors(code), ["Result<(), String>", "Result<u8, &'static str>"]);
}
