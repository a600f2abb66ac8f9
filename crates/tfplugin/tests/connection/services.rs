//! The services of go-plugin beside the provider's own.

use std::path::Path;
use std::time::{Duration, Instant};

use tfplugin::proto::health::{HealthCheckRequest, health_client::HealthClient};
use tfplugin::proto::plugin::{
    ConnInfo, Empty, grpc_broker_client::GrpcBrokerClient,
    grpc_controller_client::GrpcControllerClient, grpc_stdio_client::GrpcStdioClient,
};
use tonic::Code;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

use crate::host::{Plugin, connect};

#[tokio::test]
async fn the_services_of_go_plugin_answer_and_shutdown_ends_the_process() {
    let mut plugin = Plugin::start(None);
    assert!(plugin.certificate.is_none());
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let service = "plugin".to_owned();
    let health = client!(HealthClient, sender)
        .check(HealthCheckRequest { service })
        .await;
    assert_eq!(health.unwrap().into_inner().status, 1);

    // A host follows what the plugin prints, and offers it connections, until the end: both are silent here.
    let stdio = client!(GrpcStdioClient, sender).stream_stdio(()).await;
    let mut stdio = stdio.unwrap().into_inner();
    let offers = futures::stream::pending::<ConnInfo>();
    let broker = client!(GrpcBrokerClient, sender).start_stream(offers).await;
    let mut broker = broker.unwrap().into_inner();
    let (printed, offered) = (stdio.message(), broker.message());
    tokio::pin!(printed, offered);
    let silent = Duration::from_millis(50);
    let told = tokio::time::timeout(silent, futures::future::select(&mut printed, &mut offered));
    assert!(told.await.is_err(), "nothing was printed or offered");

    let directory = plugin.socket.parent().unwrap().to_owned();
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&directory.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    // The client keeps its connection open, as some hosts do.
    client!(GrpcControllerClient, sender)
        .shutdown(Empty {})
        .await
        .unwrap();
    let start = Instant::now();
    // Their end is that of the stream, or of the connection.
    assert!(!matches!(printed.await, Ok(Some(_))));
    assert!(!matches!(offered.await, Ok(Some(_))));
    let status = tokio::task::spawn_blocking(move || plugin.process.wait().map(|s| (s, plugin)))
        .await
        .unwrap();
    assert!(status.unwrap().0.success());
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "the host would have killed it by now"
    );
    assert!(!directory.exists(), "the socket directory stayed behind");
}

/// By the definition of the protocol: a call that a later version adds is among them.
#[tokio::test]
async fn each_call_of_the_protocol_is_answered_as_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let unserved = |call: &str| {
        let mut rows = readme.lines().filter(|line| line.starts_with("| `"));
        let row = rows.find(|row| row.contains(&format!("`{call}`")));
        row.is_none_or(|row| row.contains("Unimplemented"))
    };
    let protocol = protox::compile(["tfplugin6.proto"], [root.join("proto")]).unwrap();
    let mut services = protocol.file.iter().flat_map(|file| &file.service);
    let service = services.find(|one| one.name() == "Provider").unwrap();
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let mut left = 0;
    for call in service.method.iter().map(|method| method.name()) {
        let path = format!("/tfplugin6.Provider/{call}").try_into().unwrap();
        let mut client = client!(Grpc, sender);
        client.ready().await.unwrap();
        let codec = ProstCodec::<(), ()>::default();
        let answer = client.unary(tonic::Request::new(()), path, codec).await;
        let unimplemented = answer.is_err_and(|error| error.code() == Code::Unimplemented);
        assert_eq!(unimplemented, unserved(call), "{call}");
        left += usize::from(unimplemented);
    }
    assert!(left < service.method.len() / 2, "{left}");
}
