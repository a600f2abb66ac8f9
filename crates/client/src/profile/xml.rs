//! XML as expressions see it, by one rule.
//!
//! The document is an object with one key, the name of its root. An element is a key of the one around it;
//! its value is its text, or, where it has elements, an object of them. Several of one name are a list, and
//! so are the children of an element that the profile calls a list, whatever their number. Attributes, the
//! prefixes of names, comments and text beside elements are left out.
//!
//! A document type is refused: entities are what XML bombs are made of, and no API needs them.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value as Json};

/// Deeper than any API nests.
const MAX_DEPTH: usize = 64;
/// More elements than any page of tokens has.
const MAX_ELEMENTS: usize = 500_000;

/// An element that is still open.
#[derive(Debug, Default)]
struct Open {
    name: String,
    text: String,
    children: Vec<(String, Json)>,
}

/// The document as one object; nothing where it is no XML, or has a document type.
pub(super) fn read(body: &[u8], lists: &[String]) -> Option<Json> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for _ in 0..MAX_ELEMENTS {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH || root.is_some() {
                    return None;
                }
                open.push(Open {
                    name: start.local_name().as_ref().to_owned(),
                    ..Open::default()
                });
            }
            Event::End(_) => {
                let (name, value) = closed(open.pop()?, lists);
                match open.last_mut() {
                    Some(parent) => parent.children.push((name, value)),
                    None => root = Some(Json::Object(Map::from_iter([(name, value)]))),
                }
            }
            Event::Text(text) => said(&mut open, &text.xml10_content())?,
            Event::CData(text) => said(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let text = match reference.resolve_char_ref().ok()? {
                    Some(char) => char.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&name)?.to_owned(),
                };
                said(&mut open, &text)?;
            }
            Event::DocType(_) => return None,
            Event::Eof if open.is_empty() => return root,
            Event::Eof => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
        }
    }
    None
}

/// Adds text to the innermost element; outside of all of them only space may stand.
fn said(open: &mut [Open], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

fn closed(element: Open, lists: &[String]) -> (String, Json) {
    if lists.contains(&element.name) {
        let items = element.children.into_iter().map(|(_, value)| value);
        return (element.name, items.collect());
    }
    if element.children.is_empty() {
        return (element.name, element.text.trim().into());
    }
    let mut map = Map::new();
    let mut several = BTreeSet::new();
    for (name, value) in element.children {
        match map.get_mut(&name) {
            None => drop(map.insert(name, value)),
            Some(Json::Array(list)) if several.contains(&name) => list.push(value),
            Some(one) => {
                *one = Json::Array(vec![one.take(), value]);
                several.insert(name);
            }
        }
    }
    (element.name, Json::Object(map))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    fn read(text: &str) -> Option<Json> {
        super::read(text.as_bytes(), &["Keys".to_owned()])
    }

    #[test]
    fn elements_are_keys_and_several_of_one_name_are_a_list() {
        let text = "<?xml version=\"1.0\"?>\n<a:Answer xmlns:a=\"urn:x\">\n <Id n=\"1\">k &amp; &#x41;</Id>\n <!-- no -->\n \
            <Two>1</Two><Two>2</Two><Empty/><Raw><![CDATA[<b>]]></Raw><In><Deep>x</Deep></In></a:Answer>\n";
        let seen = json!({"Answer": {
            "Id": "k & A", "Two": ["1", "2"], "Empty": "", "Raw": "<b>", "In": {"Deep": "x"},
        }});
        assert_eq!(read(text), Some(seen));
    }

    #[test]
    fn a_list_is_one_whatever_it_has() {
        for (text, list) in [
            ("<A><Keys/></A>", json!([])),
            ("<A><Keys> </Keys></A>", json!([])),
            ("<A><Keys><m>1</m></Keys></A>", json!(["1"])),
            (
                "<A><Keys><m>1</m><n><i>2</i></n></Keys></A>",
                json!(["1", {"i": "2"}]),
            ),
        ] {
            assert_eq!(read(text).unwrap()["A"]["Keys"], list, "{text}");
        }
    }

    #[test]
    fn a_great_many_names_and_attributes_are_read_in_no_more_time_than_a_great_many_elements() {
        let once: String = (0..40_000).map(|n| format!("<n{n}/>")).collect();
        let many = format!("<a>{once}{once}{once}</a>");
        let seen = read(&many).unwrap();
        assert_eq!(seen["a"]["n7"], json!(["", "", ""]));
        let attributes: String = (0..200_000).map(|n| format!(" a{n}=\"{n}\"")).collect();
        assert_eq!(
            read(&format!("<a{attributes}>x</a>")),
            Some(json!({"a": "x"}))
        );
        let more = "<b/>".repeat(500_000);
        assert_eq!(read(&format!("<a>{more}</a>")), None);
    }

    #[test]
    fn what_is_no_xml_or_could_be_a_bomb_is_nothing() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(read(&deep(64)).is_some());
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
        for bad in [
            "",
            "{}",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "x<a/>",
            "<a/>x",
            "<a>&c;</a>",
            bomb,
            "<!DOCTYPE html><html/>",
            &deep(65),
            &deep(100_000),
            "<a>\u{0}",
            "<a b=>",
        ] {
            let short: String = bad.chars().take(40).collect();
            let seen = read(bad);
            assert!(seen.is_none() || bad.contains("b=>"), "{short}: {seen:?}");
        }
        assert_eq!(super::read(b"<a>\xff</a>", &[]), None);
    }
}
