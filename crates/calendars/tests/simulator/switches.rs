//! The story under every switch of the simulator, each with every value that differs from the default.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zoho_sim::Switches;

use crate::story;

/// Every switch with its other settings: those of the list, and the opposite of every switch that is on or off.
fn others() -> BTreeMap<String, Vec<Value>> {
    let mut others: BTreeMap<String, Vec<Value>> = serde_json::from_str(include_str!("switches.json")).unwrap();
    let defaults = serde_json::to_value(Switches::default()).unwrap();
    let on_or_off = defaults.as_object().unwrap().iter().filter_map(|(name, value)| Some((name, value.as_bool()?)));
    others.extend(on_or_off.map(|(name, on)| (name.clone(), vec![Value::Bool(!on)])));
    others
}

fn flipped(name: &str, value: &Value) -> Switches {
    let mut switches = serde_json::to_value(Switches::default()).unwrap();
    assert_ne!(&switches[name], value, "{name} is not flipped");
    switches[name] = value.clone();
    serde_json::from_value(switches).unwrap()
}

#[test]
fn every_switch_of_the_simulator_is_tried() {
    let all = serde_json::to_value(Switches::default()).unwrap();
    let all: BTreeSet<&String> = all.as_object().unwrap().keys().collect();
    let others = others();
    let tried: BTreeSet<&String> = others.keys().collect();
    let missing: Vec<_> = all.symmetric_difference(&tried).collect();
    assert!(missing.is_empty(), "missing in switches.json, or gone from the simulator: {missing:?}");
}

#[tokio::test]
async fn the_story_holds_as_zoho_is_believed_to_be() {
    story::play(Switches::default()).await;
}

#[tokio::test]
async fn the_story_holds_with_any_one_switch_flipped() {
    let mut failed = Vec::new();
    for (name, values) in others() {
        for value in values {
            let switches = flipped(&name, &value);
            // Its own task, so that one failure does not hide the rest.
            if tokio::spawn(story::play(switches)).await.is_err() {
                failed.push(format!("{name}={value}"));
            }
        }
    }
    assert!(failed.is_empty(), "the story fails with {failed:?}; the panics above say where");
}
