//! `bench bus` tells every figure, leaves nothing at the broker, and keeps off a hub's own.

use crate::{
    bench::{figures, told},
    lienthong::{run, stderr},
    polls::foreign::Broker,
};

#[test]
fn the_publisher_is_told_beside_a_loop_and_a_broker_of_a_hubs_is_left_alone() {
    let broker = Broker::start();
    let some = ["bus", "--seed", "11", "--dossiers", "40", "--rounds", "1"];
    let all = [&some[..], &["--amqp", &broker.address]].concat();
    let names = figures(&all);
    told(&names, &["bare loop, window 256", "publisher", "publisher, own CPU"]);
    for window in [1, 8, 64, 256, 1_024] {
        told(&names, &[&format!("bare loop, curve, window {window}")]);
    }
    let left =
        broker.control(&["list_queues", "name"]) + &broker.control(&["list_exchanges", "name"]);
    assert!(!left.contains("lienthong"), "{left}");
    broker.control(&[
        "eval",
        "rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, \
                      <<\"lienthong.feed\">>), true, false, [], none, <<\"test\">>).",
    ]);
    let refused = run(&[&["bench"][..], &all].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("lienthong.feed already"), "{}", stderr(&refused));
    let nowhere = run(&["bench", "bus", "--amqp", "amqp://a:b@127.0.0.1:1/"]);
    assert_eq!(nowhere.status.code(), Some(3), "{}", stderr(&nowhere));
}
