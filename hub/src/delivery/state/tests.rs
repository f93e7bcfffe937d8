use adapters::outbound::Class;

use super::*;
use crate::catalog::Sending;

fn channel(at_once: usize, per_second: Option<u32>) -> Arc<OutboundChannel> {
    Arc::new(OutboundChannel {
        id: "so-y-te.nhan".into(),
        folder: Default::default(),
        sending: Sending::Rest,
        rendering: None,
        at_once,
        per_second,
        timeout: Duration::from_secs(30),
        give_up: Duration::from_secs(3_600),
        accepted_when: None,
        later_when: None,
        takes: Vec::new(),
        answered_by: None,
    })
}

fn delivery(number: u64) -> Delivery {
    Delivery {
        key: format!("K-{number}"),
        position: number,
        token: 1,
        attempts: 1,
        failing: None,
        from: None,
        text: Vec::new(),
        public: Vec::new(),
        personal: None,
        body: None,
    }
}

fn taken(state: &mut State, now: Instant) -> Vec<Delivery> {
    let mut all = Vec::new();
    while let Next::Send(one) = state.take(now) {
        all.push(*one);
    }
    all
}

fn settled(state: &mut State, one: &Delivery, now: Instant) {
    let answer = Ok(Answer { body: Default::default() });
    assert_eq!(state.ended((one, &answer), now, || 1.0), None);
    state.left();
}

/// While the store is at work, what it gave before is sent; what ends meanwhile is told to it
/// together, in the question that asks for more.
#[test]
fn the_store_is_asked_before_the_last_is_sent_and_told_of_many_at_once() {
    let start = Instant::now();
    let mut state = State::new(channel(4, None), start);
    let (told, wanted) = state.ask(start).unwrap();
    assert_eq!((told.len(), wanted.most), (0, 4));
    assert!(state.ask(start).is_err(), "one question at a time");
    let (mut asked, mut concluded, mut next) = (1, 0, 0);
    let mut most = wanted.most;
    while next < 20_000 {
        let announced = (next..next + u64::from(most)).map(delivery).collect();
        next += u64::from(most);
        state.announced(announced, most, start);
        loop {
            for one in taken(&mut state, start) {
                settled(&mut state, &one, start);
            }
            if let Ok((told, wanted)) = state.ask(start) {
                (asked, concluded, most) = (asked + 1, concluded + told.len(), wanted.most);
                break;
            }
        }
    }
    assert!(concluded > 19_000 && asked < 200, "{asked} questions for {concluded}");
}

#[test]
fn what_has_ended_waits_for_no_more_than_a_moment() {
    let start = Instant::now();
    let mut state = State::new(channel(2, None), start);
    // It doubles with what is announced at once.
    state.window = 32;
    state.ask(start).unwrap();
    state.announced((0..64).map(delivery).collect(), 64, start);
    let first = taken(&mut state, start);
    assert_eq!(first.len(), 2);
    settled(&mut state, &first[0], start);
    assert!(state.calls(start));
    assert_eq!(state.ask(start).unwrap_err(), start + SOON);
    let (told, _) = state.ask(start + SOON).unwrap();
    assert_eq!(told.len(), 1);
}

#[test]
fn a_quota_holds_up_no_conclusion() {
    let start = Instant::now();
    let mut state = State::new(channel(4, Some(1)), start);
    state.ask(start).unwrap();
    state.announced((0..4).map(delivery).collect(), 4, start);
    let first = taken(&mut state, start);
    assert_eq!(first.len(), 1);
    settled(&mut state, &first[0], start);
    assert_eq!(state.ask(start).unwrap().0.len(), 1);
}

#[test]
fn a_store_that_is_away_is_left_alone_and_told_the_same_again() {
    let start = Instant::now();
    let mut state = State::new(channel(1, None), start);
    state.ask(start).unwrap();
    state.announced(vec![delivery(0)], 1, start);
    let first = taken(&mut state, start);
    settled(&mut state, &first[0], start);
    let (told, _) = state.ask(start).unwrap();
    state.unheard(told.clone(), &StoreError::away("it is away".to_owned()), start);
    assert!(state.ask(start + REST / 2).is_err());
    assert_eq!(state.ask(start + REST).unwrap().0, told);
}

/// What waits is given back where nothing may be sent, and to a channel that is slow less is
/// announced.
#[test]
fn what_cannot_be_sent_is_given_back() {
    let start = Instant::now();
    let mut state = State::new(channel(2, None), start);
    state.window = 64;
    state.ask(start).unwrap();
    state.announced((0..64).map(delivery).collect(), 64, start);
    let first = taken(&mut state, start);
    let failed = Err(Failure::new(Class::Denied, "401"));
    assert_eq!(state.ended((&first[0], &failed), start, || 1.0).as_deref(), Some("401"));
    state.left();
    let (told, wanted) = state.ask(start).unwrap();
    let released = told.iter().filter(|one| one.end == End::Released).count();
    assert_eq!((told.len(), released, wanted.most), (63, 62, 0));
    let later = start + 2 * REST;
    state.announced(Vec::new(), 0, later);
    state.announced((0..8).map(delivery).collect(), 8, later);
    assert_eq!(taken(&mut state, later + LEASE_MARGIN).len(), 0, "their leases may not last");
    state.announced(Vec::new(), 8, later + LEASE_MARGIN);
    assert_eq!(state.window, 2);
}
