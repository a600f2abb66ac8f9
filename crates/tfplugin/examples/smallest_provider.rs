//! The smallest provider that is of use: `note_file` writes a text to a file, and follows it.

use std::process::ExitCode;

use tfplugin::{
    Apply, ApplyResult, Attribute, AttributePath, ChangeKind, Diagnostics, Plan, PlanResult,
    Provider, ProviderSchema, Read, ReadResult, Resource, Schema, ServeOptions, Value, async_trait,
};

fn main() -> ExitCode {
    let options = ServeOptions::new("registry.terraform.io/tfplugin/note");
    tfplugin::run(options, || Note(schema()))
}

fn schema() -> ProviderSchema {
    let file = Schema::new(vec![
        Attribute::string("path").required(),
        Attribute::string("text").required(),
        Attribute::number("bytes").computed(),
    ]);
    ProviderSchema {
        provider: Schema::default(),
        resources: [("note_file".to_owned(), file)].into(),
        ..ProviderSchema::default()
    }
}

struct Note(ProviderSchema);

#[async_trait]
impl Provider for Note {
    fn schema(&self) -> &ProviderSchema {
        &self.0
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        (type_name == "note_file").then_some(&File)
    }
}

struct File;

#[async_trait]
impl Resource for File {
    async fn read(&self, request: Read, _diags: &mut Diagnostics) -> ReadResult {
        let Read { mut state, private } = request;
        let path = state.get("path").as_str().unwrap_or_default();
        match std::fs::read_to_string(path) {
            Ok(text) => state.set("text", text),
            Err(_) => state = Value::Null,
        }
        ReadResult { state, private }
    }

    async fn plan(&self, request: Plan, _diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed;
        if planned.get("text") != request.prior.get("text") {
            planned.set("bytes", Value::Unknown);
        }
        PlanResult {
            planned,
            requires_replace: vec![AttributePath::new("path")],
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        let kind = request.kind();
        let mut state = match kind {
            ChangeKind::Destroy => request.prior.clone(),
            ChangeKind::Create | ChangeKind::Update => request.planned,
        };
        let path = state.get("path").as_str().unwrap_or_default().to_owned();
        let text = state.get("text").as_str().unwrap_or_default().to_owned();
        state.set("bytes", i64::try_from(text.len()).unwrap_or(i64::MAX));
        let done = match kind {
            ChangeKind::Destroy => std::fs::remove_file(&path),
            ChangeKind::Create | ChangeKind::Update => std::fs::write(&path, text),
        };
        match (done, kind) {
            (Err(error), _) => {
                diags.error_at(
                    AttributePath::new("path"),
                    "The file cannot be written",
                    error.to_string(),
                );
                state = request.prior;
            }
            (Ok(()), ChangeKind::Destroy) => state = Value::Null,
            (Ok(()), _) => {}
        }
        ApplyResult {
            state,
            private: request.private,
        }
    }
}
