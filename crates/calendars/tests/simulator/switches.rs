//! The story under every switch of the simulator, each with every value that differs from the default.

use std::collections::BTreeSet;

use serde_json::Value;
use zoho_sim::Switches;

use crate::story;

/// Every switch with its other settings.
fn others() -> Value {
    serde_json::from_str(include_str!("switches.json")).unwrap()
}

fn flipped(name: &str, value: &Value) -> Switches {
    let mut switches = serde_json::to_value(Switches::default()).unwrap();
    assert_ne!(&switches[name], value, "{name} is not flipped");
    switches[name] = value.clone();
    serde_json::from_value(switches).unwrap()
}

#[test]
fn every_switch_of_the_simulator_is_tried() {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let all = names(&serde_json::to_value(Switches::default()).unwrap());
    assert_eq!(names(&others()), all, "a switch is missing here, or gone from the simulator");
}

#[tokio::test]
async fn the_story_holds_as_zoho_is_believed_to_be() {
    story::play(Switches::default()).await;
}

#[tokio::test]
async fn the_story_holds_with_any_one_switch_flipped() {
    let mut failed = Vec::new();
    for (name, values) in others().as_object().unwrap() {
        for value in values.as_array().unwrap() {
            let switches = flipped(name, value);
            // Its own task, so that one failure does not hide the rest.
            if tokio::spawn(story::play(switches)).await.is_err() {
                failed.push(format!("{name}={value}"));
            }
        }
    }
    assert!(failed.is_empty(), "the story fails with {failed:?}; the panics above say where");
}
