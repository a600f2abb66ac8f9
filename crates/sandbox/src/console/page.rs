//! The console's pages: plain HTML with landmarks, labels and one style sheet.

use http::{HeaderName, StatusCode, header};
use jiff::Timestamp;

use crate::desk::{Desk, Form, Life};
use crate::http::Answer;
use crate::store::{Standing, Token};

/// Nothing but our own sheet, script and forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn style() -> Answer {
    Answer::raw(StatusCode::OK, "text/css", include_str!("style.css"))
}

pub(super) fn script() -> Answer {
    Answer::raw(StatusCode::OK, "text/javascript", include_str!("copy.js"))
}

/// To the list, so that a reload does nothing again.
pub(super) fn back() -> Answer {
    Answer::empty(StatusCode::SEE_OTHER).with(header::LOCATION, "/console")
}

/// A page that says one sentence.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Answer {
    html(
        status,
        "Console",
        &format!(
            "<main><h1>Console</h1><p role=\"alert\">{}</p></main>",
            text(sentence)
        ),
    )
}

fn html(status: StatusCode, title: &str, body: &str) -> Answer {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"/console/style.css\">\n\
         <link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        text(title)
    );
    Answer::raw(status, "text/html; charset=utf-8", page)
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::REFERRER_POLICY, "same-origin")
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(HeaderName::from_static("content-security-policy"), POLICY)
}

/// Text that stands in an element or an attribute.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The pages of one vendor.
pub(super) struct Page {
    desk: &'static Desk,
}

impl Page {
    pub(super) fn new(desk: &'static Desk) -> Self {
        Self { desk }
    }

    fn page(&self, heading: &str, content: &str) -> Answer {
        let vendor = text(self.desk.vendor);
        let steps: String = self
            .desk
            .place
            .iter()
            .map(|step| format!("<li>{}</li>", text(step)))
            .collect();
        let body = format!(
            "<header><p>{vendor}, played by a sandbox</p>\n\
             <nav aria-label=\"Where you are\"><ol>{steps}</ol></nav></header>\n\
             <main>\n<h1>{}</h1>\n{content}\n</main>",
            text(heading)
        );
        html(
            StatusCode::OK,
            &format!("{heading} - {}", self.desk.vendor),
            &body,
        )
    }

    pub(super) fn list(&self, tokens: &[&Token], now: Timestamp) -> Answer {
        let desk = self.desk;
        let make = format!(
            "<p><a class=\"button\" href=\"/console/new\">{}</a></p>",
            text(desk.generate)
        );
        if tokens.is_empty() {
            return self.page(desk.tokens, &format!("<p>There are none yet.</p>\n{make}"));
        }
        let rows: String = tokens.iter().map(|token| self.row(token, now)).collect();
        let scopes = if desk.scopes.is_empty() {
            ""
        } else {
            "<th scope=\"col\">Scopes</th>"
        };
        let table = format!(
            "<table><caption class=\"unseen\">{}</caption>\n<thead><tr><th scope=\"col\">{}</th>{scopes}\
             <th scope=\"col\">Created</th><th scope=\"col\">Last used</th><th scope=\"col\">State</th>\
             <th scope=\"col\">Actions</th></tr></thead>\n<tbody>{rows}</tbody></table>\n{make}",
            text(desk.tokens),
            text(desk.name)
        );
        self.page(desk.tokens, &table)
    }

    fn row(&self, token: &Token, now: Timestamp) -> String {
        let desk = self.desk;
        let name = text(&token.name);
        let scopes = match &token.scopes {
            Some(scopes) if !desk.scopes.is_empty() => {
                format!("<td>{}</td>", text(&scopes.join(", ")))
            }
            _ => String::new(),
        };
        let state = match token.standing(now) {
            Standing::Expired => "expired".to_owned(),
            Standing::Disabled => "disabled".to_owned(),
            Standing::Live | Standing::Revoked | Standing::BornDead => {
                token.expires.map_or("active".to_owned(), |at| {
                    format!("active until {}", shown(at))
                })
            }
        };
        let action = |word: &str, path: &str| {
            format!(
                "<a href=\"/console/{}/{path}\">{} <span class=\"unseen\">{name}</span></a> ",
                text(&token.id),
                text(word)
            )
        };
        let edit = desk.edit.map_or(String::new(), |word| action(word, "edit"));
        format!(
            "<tr><th scope=\"row\">{name}</th>{scopes}<td>{}</td><td>{}</td><td>{state}</td><td>{edit}{}</td></tr>\n",
            shown(token.created),
            token.used.map_or("never".to_owned(), shown),
            action(desk.delete, "delete")
        )
    }

    pub(super) fn new_form(&self, form: &Form, wrong: Option<&str>) -> Answer {
        let life = match self.desk.life {
            Life::Unsaid => String::new(),
            Life::Days(label) => format!(
                "<p><label for=\"days\">{}</label>\n<input id=\"days\" name=\"days\" inputmode=\"numeric\" \
                 autocomplete=\"off\" value=\"{}\"></p>\n",
                text(label),
                match (form.days, &form.odd_days) {
                    (Some(days), _) => days.to_string(),
                    (None, odd) => text(odd.as_deref().unwrap_or_default()),
                }
            ),
            Life::Switch(label) => format!(
                "<p><input type=\"checkbox\" id=\"expires\" name=\"expires\" value=\"yes\"{}> \
                 <label for=\"expires\">{}</label></p>\n",
                if form.expires { " checked" } else { "" },
                text(label)
            ),
        };
        let content = format!(
            "{}<form method=\"post\" action=\"/console/new\">\n{}{}{life}\
             <p><button type=\"submit\">{}</button> <a href=\"/console\">Cancel</a></p>\n</form>",
            alert(wrong),
            self.fields(form, wrong),
            self.choice(form),
            text(self.desk.generate)
        );
        self.page(self.desk.generate, &content)
    }

    pub(super) fn edit_form(
        &self,
        word: &str,
        token: &Token,
        (form, wrong): (&Form, Option<&str>),
    ) -> Answer {
        let content = format!(
            "{}<form method=\"post\" action=\"/console/{}/edit\">\n{}\
             <p><button type=\"submit\">Save</button> <a href=\"/console\">Cancel</a></p>\n</form>",
            alert(wrong),
            text(&token.id),
            self.fields(form, wrong)
        );
        self.page(&format!("{word} {}", token.name), &content)
    }

    fn fields(&self, form: &Form, wrong: Option<&str>) -> String {
        let described = if wrong.is_some() {
            " aria-describedby=\"wrong\""
        } else {
            ""
        };
        let name = format!(
            "<p><label for=\"name\">{}</label>\n<input id=\"name\" name=\"name\" value=\"{}\" required \
             autocomplete=\"off\"{described}></p>\n",
            text(self.desk.name),
            text(&form.name)
        );
        if self.desk.scopes.is_empty() {
            return name;
        }
        let boxes = self.desk.scopes.iter().map(|(scope, allows)| {
            let checked = form.scopes.iter().any(|chosen| chosen == scope);
            format!(
                "<p><input type=\"checkbox\" id=\"scope-{scope}\" name=\"scope\" value=\"{scope}\"{}> \
                 <label for=\"scope-{scope}\">{scope} ({allows})</label></p>\n",
                if checked { " checked" } else { "" }
            )
        });
        format!(
            "{name}<fieldset><legend>Scopes</legend>\n{}</fieldset>\n",
            boxes.collect::<String>()
        )
    }

    fn choice(&self, form: &Form) -> String {
        let Some((label, choices)) = self.desk.choice else {
            return String::new();
        };
        let options = choices.iter().map(|choice| {
            let chosen = if *choice == form.choice {
                " selected"
            } else {
                ""
            };
            format!("<option{chosen}>{}</option>", text(choice))
        });
        format!(
            "<p><label for=\"choice\">{}</label>\n<select id=\"choice\" name=\"choice\">{}</select></p>\n",
            text(label),
            options.collect::<String>()
        )
    }

    /// The only page that ever holds the value.
    pub(super) fn once(&self, name: &str, parts: &[(&'static str, String)]) -> Answer {
        let parts = parts.iter().enumerate().map(|(number, (label, value))| {
            let id = if number == 0 { "value".to_owned() } else { format!("value-{number}") };
            format!(
                "<p><label for=\"{id}\">{label}</label>\n<input id=\"{id}\" value=\"{}\" readonly \
                 autocomplete=\"off\" spellcheck=\"false\" aria-describedby=\"once\">\n\
                 <button type=\"button\" data-copy=\"{id}\" hidden>Copy<span class=\"unseen\"> {label}</span></button></p>\n",
                text(value)
            )
        });
        let content = format!(
            "<p id=\"once\">{}</p>\n{}<p id=\"said\" role=\"status\"></p>\n\
             <p><a href=\"/console\">Done</a></p>\n<script src=\"/console/copy.js\"></script>",
            text(self.desk.once),
            parts.collect::<String>()
        );
        self.page(name, &content)
    }

    pub(super) fn confirm(&self, token: &Token) -> Answer {
        let word = text(self.desk.delete);
        let content = format!(
            "<p>Whatever uses it stops working at once. This cannot be undone.</p>\n\
             <form method=\"post\" action=\"/console/{}/delete\">\n\
             <p><button type=\"submit\" class=\"danger\">{word}</button> <a href=\"/console\">Cancel</a></p>\n</form>",
            text(&token.id)
        );
        self.page(&format!("{} {}?", self.desk.delete, token.name), &content)
    }
}

fn alert(wrong: Option<&str>) -> String {
    wrong.map_or(String::new(), |wrong| {
        format!("<p id=\"wrong\" role=\"alert\">{}</p>\n", text(wrong))
    })
}

/// An instant for people, and for machines.
fn shown(at: Timestamp) -> String {
    let exact = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let people = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("<time datetime=\"{exact}\">{people}</time>")
}
