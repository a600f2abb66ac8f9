//! The smallest provider that is of use: `note_file` writes a text to a file, and follows it.

use std::process::ExitCode;

use tfplugin::{
    Apply, ApplyResult, ChangeKind, Diagnostics, Name, Plan, PlanResult, Provider, ProviderSchema,
    Read, ReadResult, Resource, Schema, ServeOptions, Value, async_trait,
};

const PATH: Name<String> = Name::new("path");
const TEXT: Name<String> = Name::new("text");
const BYTES: Name<i64> = Name::new("bytes");

fn main() -> ExitCode {
    let options = ServeOptions::new("registry.terraform.io/tfplugin/note");
    tfplugin::run(options, || Note(schema()))
}

fn schema() -> ProviderSchema {
    let path = PATH.required().requires_replace();
    let path = path.not_blank("Name the file.");
    let file = Schema::new(vec![path, TEXT.required(), BYTES.computed()]);
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
        match std::fs::read_to_string(state.read(PATH).unwrap_or_default()) {
            Ok(text) => state.set(TEXT, text),
            Err(_) => state = Value::Null,
        }
        ReadResult { state, private }
    }

    async fn plan(&self, request: Plan, _diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed;
        if planned.get(TEXT) != request.prior.get(TEXT) {
            planned.open(&[&BYTES]);
        }
        PlanResult {
            planned,
            requires_replace: Vec::new(),
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        let kind = request.kind();
        let mut state = match kind {
            ChangeKind::Destroy => request.prior.clone(),
            ChangeKind::Create | ChangeKind::Update => request.planned,
        };
        let path = state.read(PATH).unwrap_or_default();
        let text = state.read(TEXT).unwrap_or_default();
        state.set(BYTES, i64::try_from(text.len()).unwrap_or(i64::MAX));
        let done = match kind {
            ChangeKind::Destroy => std::fs::remove_file(&path),
            ChangeKind::Create | ChangeKind::Update => std::fs::write(&path, text),
        };
        match (done, kind) {
            (Err(error), _) => {
                let summary = "The file cannot be written";
                diags.error_at(PATH.path(), summary, error.to_string());
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
