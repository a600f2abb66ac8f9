//! What a host asks of a provider: configurations that do not fit, and applies that nobody waits for.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tfplugin::proto::tfplugin6::{self as proto, provider_client::ProviderClient};
use tfplugin::{Type, Value};

use crate::by_hand::send;
use crate::host::{Plugin, Sender, connect, schema};
use crate::support::{runs, started, within};

/// A configuration of the thing, with these attributes.
async fn thing(
    sender: &Sender,
    given: &[(&str, Value)],
) -> Result<proto::DynamicValue, tonic::Status> {
    let (answer, _) = schema(sender).await?;
    let block = answer.resource_schemas["demo_thing"].block.clone().unwrap();
    let names = block.attributes.into_iter().map(|attribute| attribute.name);
    let mut thing = Value::object(names.map(|name| (name, Value::Null)));
    for (name, value) in given {
        thing.insert(*name, value.clone());
    }
    // Types matter to the writer only where there is a value.
    let types = thing
        .as_map()
        .unwrap()
        .iter()
        .map(|(name, value)| match value {
            Value::Number(_) => (name.clone(), Type::Number),
            _ => (name.clone(), Type::String),
        });
    Ok(proto::DynamicValue {
        msgpack: thing.to_msgpack(&Type::object(types)).unwrap(),
        json: Vec::new(),
    })
}

#[tokio::test]
async fn a_host_that_would_store_write_only_values_is_refused_them() {
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    for (allowed, password, refused) in [
        (Some(true), "hunter2".into(), false),
        (Some(false), "hunter2".into(), true),
        (None, "hunter2".into(), true),
        (None, Value::Unknown, true),
        (None, Value::Null, false),
    ] {
        let given = [("name", "one".into()), ("password", password)];
        let request = proto::validate_resource_config::Request {
            type_name: "demo_thing".to_owned(),
            config: Some(thing(&sender, &given).await.unwrap()),
            client_capabilities: allowed.map(|allowed| proto::ClientCapabilities {
                write_only_attributes_allowed: allowed,
                ..Default::default()
            }),
        };
        let answer = client!(ProviderClient, sender)
            .validate_resource_config(request)
            .await
            .unwrap();
        let diagnostics = answer.into_inner().diagnostics;
        assert_eq!(!diagnostics.is_empty(), refused, "{allowed:?}");
        for diagnostic in diagnostics {
            assert!(diagnostic.detail.contains("Terraform 1.11"));
            let step = diagnostic.attribute.unwrap().steps.remove(0);
            let named = proto::attribute_path::step::Selector::AttributeName("password".to_owned());
            assert_eq!(step.selector, Some(named));
        }
    }
}

/// The places of what is said of a configuration of this shape, whatever the schema's is.
async fn said(sender: &Sender, name: &str, ty: Type, value: Value) -> Vec<String> {
    let shape = Type::object([("name", Type::String), (name, ty)]);
    let mut config = Value::object([("name", "one".into())]);
    config.insert(name, value);
    let request = proto::validate_resource_config::Request {
        type_name: "demo_thing".to_owned(),
        config: Some(proto::DynamicValue {
            msgpack: config.to_msgpack(&shape).unwrap(),
            json: Vec::new(),
        }),
        ..Default::default()
    };
    let answer = client!(ProviderClient, sender)
        .validate_resource_config(request)
        .await
        .unwrap();
    let diagnostics = answer.into_inner().diagnostics;
    let told = diagnostics.into_iter().map(|diagnostic| {
        use proto::attribute_path::step::Selector;
        assert!(
            !diagnostic.detail.contains("hunter2"),
            "{}",
            diagnostic.detail
        );
        let steps = diagnostic.attribute.unwrap_or_default().steps.into_iter();
        let names = steps.map(|step| match step.selector.unwrap() {
            Selector::AttributeName(name) | Selector::ElementKeyString(name) => name,
            Selector::ElementKeyInt(index) => index.to_string(),
        });
        names.collect::<Vec<_>>().join(".")
    });
    told.collect()
}

#[tokio::test]
async fn a_configuration_of_another_shape_is_an_error_at_the_attribute() {
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let secret = || Value::from("hunter2");
    let settings = |name: &str, ty: Type, value: Value| {
        let shape = Type::object([("size", Type::Number), (name, ty)]);
        let mut object = Value::object([("size", 1.into())]);
        object.insert(name, value);
        (shape, object)
    };
    assert_eq!(
        said(&sender, "name", Type::Bool, true.into()).await,
        ["name"]
    );
    assert_eq!(
        said(&sender, "ratio", Type::String, secret()).await,
        ["ratio"]
    );
    let list = Value::List(vec![secret()]);
    assert_eq!(
        said(&sender, "labels", Type::list(Type::String), list).await,
        ["labels"]
    );
    let (shape, object) = settings("tags", Type::String, secret());
    assert_eq!(
        said(&sender, "settings", shape, object).await,
        ["settings.tags"]
    );
    // A mistyped key: a core drops it, another host may not.
    let (shape, object) = settings("sise", Type::String, secret());
    assert_eq!(said(&sender, "settings", shape, object).await, ["settings"]);
    assert_eq!(said(&sender, "nmae", Type::String, secret()).await, [""]);
    let (shape, object) = settings("tags", Type::set(Type::String), Value::Unknown);
    assert!(said(&sender, "settings", shape, object).await.is_empty());
}

/// Starts an apply that takes a while and writes a journal.
async fn slow_apply(sender: &Sender, journal: &Path) -> Result<(), tonic::Status> {
    let given = [
        ("name", "slow".into()),
        ("delay_ms", 800.into()),
        ("journal", journal.display().to_string().into()),
    ];
    let value = thing(sender, &given).await?;
    let request = proto::apply_resource_change::Request {
        type_name: "demo_thing".to_owned(),
        planned_state: Some(value.clone()),
        config: Some(value),
        ..Default::default()
    };
    client!(ProviderClient, sender)
        .apply_resource_change(request)
        .await
        .map(drop)
}

/// The same with the end of a lease.
async fn slow_close(sender: &Sender, journal: &Path) -> Result<(), tonic::Status> {
    let request = proto::close_ephemeral_resource::Request {
        type_name: "demo_lease".to_owned(),
        private: Some(journal.display().to_string().into_bytes()),
    };
    client!(ProviderClient, sender)
        .close_ephemeral_resource(request)
        .await
        .map(drop)
}

/// A lease, as a host opens it.
async fn open(sender: &Sender, journal: &Path) {
    let config = Value::object([("journal", journal.display().to_string().into())]);
    let shape = Type::object([("journal", Type::String)]);
    let request = proto::open_ephemeral_resource::Request {
        type_name: "demo_lease".to_owned(),
        config: Some(proto::DynamicValue {
            msgpack: config.to_msgpack(&shape).unwrap(),
            json: Vec::new(),
        }),
        ..Default::default()
    };
    let answer = client!(ProviderClient, sender)
        .open_ephemeral_resource(request)
        .await
        .unwrap();
    assert!(answer.into_inner().diagnostics.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_opened_is_closed_by_it_or_once_it_is_gone_and_never_twice() {
    for closes in [true, false] {
        let plugin = Plugin::start(None);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let (sender, link) = connect(&plugin, None).await.unwrap();
        open(&sender, &journal).await;
        if closes {
            slow_close(&sender, &journal).await.unwrap();
        }
        assert_eq!(journal.exists(), closes, "its host is there");
        drop((sender, link));
        let pid = plugin.process.id();
        within(Duration::from_secs(15), "the deserted process ends", || {
            !runs(pid)
        });
        let text = std::fs::read_to_string(&journal).unwrap();
        assert_eq!(text.matches("finished").count(), 1, "{text}");
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let patience = Instant::now();
    while !done() {
        assert!(patience.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_whose_call_is_dropped_finishes_and_an_apply_knows_it() {
    for (call, cut) in [("apply", "call"), ("apply", "link"), ("close", "link")] {
        let plugin = Plugin::start(None);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let (sender, link) = connect(&plugin, None).await.unwrap();
        let asked = tokio::spawn({
            let (sender, journal) = (sender.clone(), journal.clone());
            async move {
                match call {
                    "apply" => slow_apply(&sender, &journal).await,
                    _ => slow_close(&sender, &journal).await,
                }
            }
        });
        until("the work starts", || started(&journal).is_some()).await;
        let link = match cut {
            "call" => {
                asked.abort();
                Some(link)
            }
            _ => {
                drop(link);
                None
            }
        };
        let text = || std::fs::read_to_string(&journal).unwrap();
        until("the work finishes", || text().contains("finished")).await;
        let text = text();
        assert_eq!(text.contains("gone"), call == "apply", "{cut}: {text}");
        drop((sender, link));
        let pid = plugin.process.id();
        within(Duration::from_secs(15), "the deserted process ends", || {
            !runs(pid)
        });
    }
}

#[tokio::test]
async fn an_apply_that_is_waited_for_is_not_told_otherwise() {
    let plugin = Plugin::start(None);
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    slow_apply(&sender, &journal).await.unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(
        text.ends_with("\nfinished\n") && !text.contains("gone"),
        "{text}"
    );
}

/// Ctrl-C reaches the whole process group; a host then asks to stop, and waits.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_nothing_and_who_is_asked_to_stop_finishes_what_runs() {
    let plugin = Plugin::start(None);
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let asked = tokio::spawn({
        let (sender, journal) = (sender.clone(), journal.clone());
        async move { slow_apply(&sender, &journal).await }
    });
    until("the work starts", || started(&journal).is_some()).await;
    send(&plugin.process, Signal::INT);
    client!(ProviderClient, sender)
        .stop_provider(proto::stop_provider::Request {})
        .await
        .unwrap();
    asked.await.unwrap().unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.ends_with("\nfinished\n"), "{text}");
    schema(&sender).await.unwrap();
}

#[tokio::test]
async fn a_message_far_above_the_limit_of_the_grpc_library_passes_both_ways() {
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let long = "x".repeat(8 << 20);
    let state = thing(&sender, &[("name", long.into())]).await.unwrap();
    let request = proto::read_resource::Request {
        type_name: "demo_thing".to_owned(),
        current_state: Some(state.clone()),
        ..Default::default()
    };
    let answer = client!(ProviderClient, sender)
        .max_decoding_message_size(usize::MAX)
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let read = answer.new_state.unwrap();
    assert!(read == state, "{} bytes came back", read.msgpack.len());
}
