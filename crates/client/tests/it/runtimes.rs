//! A process with several runtimes: each keeps connections of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokenwright_client::{Filter, Issuer};
use tokio::runtime::Runtime;

use crate::tiny;

/// Answers every request with an empty list, and keeps the connection.
fn answers(mut stream: TcpStream) {
    let mut block = [0; 4096];
    while stream.read(&mut block).is_ok_and(|count| count > 0) {
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

#[test]
fn a_connection_is_used_by_the_runtime_alone_that_opened_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    // Ends with the process: nobody connects once the test is over.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok();
            thread::spawn(move || answers(stream));
        }
    });
    let issuer = tiny::issuer(&[], &endpoint);
    let list = || async { issuer.list(&Filter::default()).await.unwrap() };

    let (first, second) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let opened = |runtime: &Runtime| {
        let before = connections.load(Ordering::SeqCst);
        runtime.block_on(list());
        connections.load(Ordering::SeqCst) - before
    };
    // It is free again a moment after the answer is read.
    let keeps = |runtime: &Runtime| (0..50).any(|_| opened(runtime) == 0);
    assert_eq!(opened(&first), 1);
    assert!(keeps(&first), "it is kept");
    assert_eq!(opened(&second), 1, "it is not shared");
    drop(first);
    assert!(keeps(&second), "and not lost");
}
