use super::*;

fn request(uid: &str, namespace: &str, class: Class, expiry: Option<i64>) -> SlotRequest {
    SlotRequest {
        uid: uid.to_owned(),
        namespace: namespace.to_owned(),
        class,
        expiry: expiry.map(|second| Timestamp::from_second(second).unwrap()),
        ahead: false,
    }
}

fn order(requests: Vec<SlotRequest>) -> Vec<String> {
    let mut queue = Queue::default();
    requests.into_iter().for_each(|request| queue.put(request));
    std::iter::from_fn(|| pop(&mut queue, 0)).collect()
}

fn pop(queue: &mut Queue, second: i64) -> Option<String> {
    queue.pop(at(second), |_| true).map(|(uid, _)| uid)
}

/// At this second, where a turn takes four.
fn at(second: i64) -> Pace {
    Pace {
        now: Timestamp::from_second(second).unwrap(),
        turn: SignedDuration::from_secs(4),
    }
}

#[test]
fn the_class_comes_first_then_the_earliest_expiry_and_each_third_time_the_namespace_whose_turn_it_is()
 {
    let served = order(vec![
        request("end", "a", Class::Revoke, None),
        request("first", "a", Class::First, None),
        request("wish", "a", Class::Triggered, None),
        request("a-4", "a", Class::Scheduled, Some(4)),
        request("a-3", "a", Class::Scheduled, Some(3)),
        request("a-2", "a", Class::Scheduled, Some(2)),
        request("a-1", "a", Class::Scheduled, Some(1)),
        request("b-9", "b", Class::Scheduled, Some(9)),
        request("c-5", "c", Class::Scheduled, Some(5)),
    ]);
    let wanted = [
        "a-1", "a-2", "b-9", "a-3", "a-4", "c-5", "wish", "first", "end",
    ];
    assert_eq!(served, wanted);
}

#[test]
fn a_crowd_of_one_namespace_keeps_no_other_waiting() {
    let crowd = (0..1000).map(|n| request(&format!("crowd-{n}"), "big", Class::First, None));
    let mut requests: Vec<_> = crowd.collect();
    requests.push(request("alone", "small", Class::First, None));
    let served = order(requests);
    assert_eq!(served.iter().position(|uid| uid == "alone"), Some(1));
}

#[test]
fn one_turn_in_ten_goes_to_the_ends_of_tokens_and_one_to_checks() {
    let mut requests: Vec<_> = (0..80)
        .map(|n| request(&format!("first-{n}"), "a", Class::First, None))
        .collect();
    for n in 0..10 {
        requests.push(request(&format!("end-{n}"), "a", Class::Revoke, None));
        requests.push(request(&format!("check-{n}"), "a", Class::Recheck, None));
    }
    let served = order(requests);
    let of = |what: &str| {
        served
            .iter()
            .take(50)
            .filter(|uid| uid.starts_with(what))
            .count()
    };
    assert_eq!((of("first"), of("end"), of("check")), (40, 5, 5));
}

#[test]
fn first_tokens_come_beside_rotations_that_never_end_as_long_as_no_token_ends_for_it() {
    // A hundred rotations take four hundred seconds; their tokens end when so many times that has passed.
    for (times, shared) in [(1, false), (2, true), (3, true), (10, true)] {
        let ends = 400 * times;
        let rotations = (0..100).map(|n| {
            let namespace = ["a", "b", "c"][n % 3];
            request(
                &format!("rotation-{n}"),
                namespace,
                Class::Scheduled,
                Some(ends),
            )
        });
        let new = (0..30).map(|n| request(&format!("first-{n}"), "a", Class::First, None));
        let wishes = (0..30).map(|n| request(&format!("wish-{n}"), "a", Class::Triggered, None));
        let mut queue = Queue::default();
        rotations
            .chain(new)
            .chain(wishes)
            .for_each(|request| queue.put(request));
        let (mut now, mut before) = (0, [0, 0]);
        while queue.count(Class::Scheduled) > 0 {
            let uid = pop(&mut queue, now).unwrap();
            now += 4;
            before[0] += i32::from(uid.starts_with("first"));
            before[1] += i32::from(uid.starts_with("wish"));
        }
        assert!(now <= ends, "{times}: a token ended: {now}");
        assert_eq!(
            before.iter().all(|count| *count >= 10),
            shared,
            "{times}: {before:?}"
        );
    }
}

#[test]
fn rotations_of_one_namespace_that_come_too_late_anyway_keep_no_other_waiting_for_ever() {
    let mut queue = Queue::default();
    for n in 0..1000 {
        queue.put(request(
            &format!("rotation-{n}"),
            "crowd",
            Class::Scheduled,
            Some(1),
        ));
        queue.put(request(&format!("first-{n}"), "crowd", Class::First, None));
    }
    queue.put(request("wish", "small", Class::Triggered, Some(9_000)));
    queue.put(request("first", "small", Class::First, None));
    let served: Vec<_> = std::iter::from_fn(|| pop(&mut queue, 2)).take(20).collect();
    let others = served.iter().filter(|uid| !uid.starts_with("rotation-"));
    assert_eq!(others.collect::<Vec<_>>(), ["wish", "first"]);
}

#[test]
fn who_asks_again_keeps_its_place_and_who_goes_leaves_none() {
    let mut queue = Queue::default();
    for uid in ["a", "b", "c", "a"] {
        queue.put(request(uid, "x", Class::First, None));
    }
    queue.remove("b");
    assert_eq!(queue.count(Class::First), 2);
    assert_eq!(pop(&mut queue, 0).as_deref(), Some("a"));
    assert_eq!(pop(&mut queue, 0).as_deref(), Some("c"));
    assert!(queue.is_empty() && pop(&mut queue, 0).is_none());
    let mut lanes = queue.classes.values();
    assert!(lanes.all(|lane| lane.round.is_empty() && lane.soonest.is_empty()));
}

#[test]
fn ten_thousand_namespaces_with_one_token_each_are_served_without_a_look_at_all_of_them() {
    let mut queue = Queue::default();
    for n in 0..10_000 {
        let (uid, expiry) = (n.to_string(), Some(50_000 - n));
        queue.put(request(&uid, &uid, Class::Scheduled, expiry));
    }
    let asked = std::cell::Cell::new(0);
    // Two may have no turn, as those that have one under way.
    let may = |name: &str| {
        asked.set(asked.get() + 1);
        !["0", "9999"].contains(&name)
    };
    let served = std::iter::from_fn(|| queue.pop(at(0), may)).take(9_998);
    assert_eq!(served.count(), 9_998);
    assert!(asked.get() <= 2 * 9_998, "{}", asked.get());
    assert_eq!(queue.count(Class::Scheduled), 2);
}

/// One whose token is lost, and would end at this second.
fn lost(uid: &str, namespace: &str, expiry: i64) -> SlotRequest {
    SlotRequest {
        ahead: true,
        ..request(uid, namespace, Class::Scheduled, Some(expiry))
    }
}

#[test]
fn whoever_has_nothing_that_works_goes_first_at_the_turn_of_its_namespace() {
    let crowd = (0..1_000).map(|n| request(&format!("due-{n}"), "a", Class::Scheduled, Some(n)));
    let mut requests: Vec<_> = crowd.collect();
    requests.extend([lost("lost", "a", 9_000), lost("gone", "a", 8_000)]);
    requests.push(request("other", "b", Class::Scheduled, Some(9_999)));
    let served = order(requests);
    let at = |wanted: &str| served.iter().position(|uid| uid == wanted);
    // The first turn of the round is that of the other namespace, whose token ends last of all.
    assert_eq!(
        (at("other"), at("gone"), at("lost")),
        (Some(2), Some(5), Some(8))
    );
}

#[test]
fn a_namespace_that_loses_all_that_it_has_overtakes_no_other() {
    let due = |n| request(&format!("due-{n}"), "b", Class::Scheduled, Some(5_000));
    let whose = |ahead| {
        let lost = |n| SlotRequest {
            ahead,
            ..lost(&format!("lost-{n}"), "a", 9_000)
        };
        let served = order((0..100).map(lost).chain((0..30).map(due)).collect());
        served
            .into_iter()
            .map(|uid| uid.starts_with("due-"))
            .collect::<Vec<_>>()
    };
    assert_eq!(whose(true), whose(false));
    let soonest = whose(true).into_iter().take(45).filter(|due| *due).count();
    assert_eq!(soonest, 30);
}

#[test]
fn who_asks_again_with_something_that_works_lacks_nothing_any_more() {
    let mut queue = Queue::default();
    for n in 0..10 {
        queue.put(request(&n.to_string(), "a", Class::Scheduled, Some(n)));
    }
    queue.put(lost("lost", "a", 9_000));
    queue.put(request("lost", "a", Class::Scheduled, Some(9_000)));
    let served = std::iter::from_fn(|| pop(&mut queue, 0));
    assert_eq!(served.last().as_deref(), Some("lost"));
}
