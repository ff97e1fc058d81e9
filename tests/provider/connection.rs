//! What happens below HTTP: connecting, silence, giving up, and use of one connection.

use std::time::Duration;

use diagramd::provider::Provider;
use diagramd::provider::anthropic::Anthropic;

use crate::fixture::{Heard, anthropic, ask, call, end_of, endpoint, line};
use crate::upstream::{Behaviour, Gate, Outcome, Upstream};

#[tokio::test]
async fn a_closed_port_is_unreachable_and_nothing_was_sent() {
    let upstream = Upstream::anthropic().start().await;
    let provider = anthropic(&upstream);
    ask(&provider).await.0.unwrap();
    upstream.refuse_connections().await;
    let (outcome, heard) = ask(&provider).await;
    let error = outcome.unwrap_err();
    assert_eq!(line(&error.end), "failed upstream_unavailable unreachable", "{}", error.detail);
    assert_eq!(heard.sent, 0);
    upstream.accept_again().await;
    ask(&provider).await.0.unwrap();
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() {
    let nowhere = diagramd::provider::Endpoint::new("http://nowhere.invalid:1", None, crate::fixture::now);
    let error = ask(&Anthropic::new(nowhere).unwrap()).await.0.unwrap_err();
    assert_eq!(line(&error.end), "failed upstream_unavailable unreachable");
}

#[tokio::test]
async fn silence_before_and_within_an_answer_is_a_timeout() {
    let upstream = Upstream::anthropic().start().await;
    let impatient = endpoint(&upstream).silence_max(Duration::from_millis(100));
    let provider = Anthropic::new(impatient).unwrap();
    for behaviour in [Behaviour::silent(), Behaviour::stall_after(0), Behaviour::stall_after(4)] {
        upstream.push(behaviour);
        assert_eq!(end_of(&provider).await, "failed upstream_timeout");
    }
    upstream.ledger().wait_for(|calls| calls.iter().all(|call| call.outcome == Outcome::Aborted)).await;
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let upstream = Upstream::anthropic().start().await;
    let provider = anthropic(&upstream);
    for behaviour in [Behaviour::silent(), Behaviour::stall_after(3)] {
        upstream.push(behaviour);
        let (call, mut heard) = (call(), Heard::default());
        let before = upstream.ledger().len();
        tokio::select! {
            _ = provider.call(&call, &mut heard) => panic!("the call cannot end"),
            () = upstream.ledger().wait_for_calls(before + 1) => {}
        }
        upstream.ledger().wait_for(|calls| calls[before].outcome == Outcome::Aborted).await;
    }
}

#[tokio::test]
async fn each_piece_is_passed_on_at_once() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold_midway(&gate));
    let provider = anthropic(&upstream);

    struct OpensAtFirstPiece(Gate, u32);
    impl diagramd::provider::Listener for OpensAtFirstPiece {
        fn sent(&mut self) {}
        fn limits(&mut self, _: diagramd::domain::lane::LimitsSeen) {}
        fn usage(&mut self, _: diagramd::domain::TokenUsage) {}
        fn text(&mut self, _: &str) {
            self.1 += 1;
            self.0.open();
        }
    }
    // The rest of the answer is only let go by the first piece: a buffered one would never end.
    let mut listener = OpensAtFirstPiece(gate, 0);
    provider.call(&call(), &mut listener).await.unwrap();
    assert_eq!(listener.1, 4);
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let upstream = Upstream::anthropic().start().await;
    let provider = anthropic(&upstream);
    for _ in 0..5 {
        ask(&provider).await.0.unwrap();
        upstream.push(Behaviour::status(529));
        end_of(&provider).await;
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_lost_after_sending_is_a_failure_of_the_call() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold(&gate));
    let provider = anthropic(&upstream);
    let (end, ()) = tokio::join!(end_of(&provider), async {
        upstream.ledger().wait_for_calls(1).await;
        upstream.refuse_connections().await;
    });
    assert_eq!(end, "failed upstream_unavailable");
}
