//! Panels against trying everybody in every seat.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use scheduling::{Cell, CellSet, Group, Panel, PanelError, Query, Request, TimeRange};

use crate::{
    every_cell,
    world::{ODD_ZONES, World, world},
};

/// The least sum of costs with which every group can be seated, by trying every choice; without a cost somebody cannot sit.
fn least(groups: &[Group], costs: &[Option<u64>]) -> Option<u64> {
    let Some((group, rest)) = groups.split_first() else { return Some(0) };
    choices(&group.members, group.need)
        .into_iter()
        .filter_map(|chosen| {
            let cost: u64 = chosen.iter().map(|member| costs[*member]).sum::<Option<u64>>()?;
            let mut left = costs.to_vec();
            for member in &chosen {
                left[*member] = None;
            }
            Some(cost + least(rest, &left)?)
        })
        .min()
}

fn choices(members: &[usize], need: usize) -> Vec<Vec<usize>> {
    match (need, members.split_first()) {
        (0, _) => vec![Vec::new()],
        (_, None) => Vec::new(),
        (_, Some((first, rest))) => {
            let with = choices(rest, need - 1).into_iter().map(|chosen| [&[*first], chosen.as_slice()].concat());
            with.chain(choices(rest, need)).collect()
        }
    }
}

/// Groups of `people` people: all, any, or some of the members, apart or with members in common.
fn groups(people: usize, most: usize) -> impl Strategy<Value = Vec<Group>> {
    let group = subsequence((0..people).collect::<Vec<_>>(), 1..=people).prop_shuffle().prop_flat_map(|members| {
        let count = members.len();
        (Just(members), prop_oneof![3 => Just(1), 1 => Just(count), 2 => 1..=count])
            .prop_map(|(members, need)| Group { members, need })
    });
    vec(group, 1..=most)
}

/// What a panel says of groups that cannot be seated even if everybody can, is true.
fn panel(groups: &[Group], people: usize) -> Result<Option<Panel>, TestCaseError> {
    match Panel::new(groups.to_vec(), people) {
        Ok(panel) => Ok(Some(panel)),
        Err(error) => {
            prop_assert!(matches!(error, PanelError::TooFew { need, seated } if seated < need), "{error}");
            prop_assert_eq!(least(groups, &vec![Some(0); people]), None);
            Ok(None)
        }
    }
}

/// Whether those who sit are the right number of each group, nobody twice, and all of them can.
fn is_seating(groups: &[Group], mut seated: &[usize], can: impl Fn(usize) -> bool) -> bool {
    let mut sorted = seated.to_vec();
    sorted.sort_unstable();
    let apart = sorted.windows(2).all(|pair| pair[0] != pair[1]) && sorted.iter().all(|member| can(*member));
    let of_groups = groups.iter().all(|group| {
        let (these, rest) = seated.split_at(group.need.min(seated.len()));
        seated = rest;
        these.len() == group.need && these.iter().all(|member| group.members.contains(member))
    });
    apart && of_groups && seated.is_empty()
}

/// Some people at one time, and groups of them.
fn meeting() -> impl Strategy<Value = (Vec<World>, Vec<Group>)> {
    (5_890_000_i64..5_990_000, 3_usize..7).prop_flat_map(|(cell, people)| {
        let one = select(ODD_ZONES.to_vec()).prop_flat_map(move |zone| world(zone, ODD_ZONES.to_vec(), cell * 300));
        (vec(one, people), groups(people, 2))
    })
}

/// Sets of cells of one window, or of windows that lie a little apart.
fn sets(people: usize) -> impl Strategy<Value = Vec<CellSet>> {
    let one = (prop_oneof![3 => Just(0_i64), 1 => -70_i64..70], vec(any::<u64>(), 5), vec(any::<u64>(), 5), 1_usize..300);
    vec(one, people).prop_map(|sets| {
        let len = sets[0].3;
        let set = |(first, one, two, _): (i64, Vec<u64>, Vec<u64>, usize)| {
            let mut set = CellSet::empty(Cell::from_number(first), len);
            for at in 0..len {
                // Three cells of four, so that panels meet.
                if (one[at / 64] | two[at / 64]) >> (at % 64) & 1 == 1 {
                    set.insert(Cell::from_number(first + i64::try_from(at).unwrap()));
                }
            }
            set
        };
        sets.into_iter().map(set).collect()
    })
}

#[test]
fn the_random_panels_are_worth_testing() {
    let mut runner = TestRunner::deterministic();
    let (mut offers, mut open) = (0, 0);
    for _ in 0..100 {
        let (worlds, groups) = meeting().new_tree(&mut runner).unwrap().current();
        let Ok(panel) = Panel::new(groups.clone(), worlds.len()) else { continue };
        let (window, length) = (worlds[0].window, worlds[0].request.length);
        let starts = |world: &World| {
            let request = Request { length, ..world.request.clone() };
            Query { request: &request, ..crate::query(world) }.start_cells(window)
        };
        let count = panel.starts(&worlds.iter().map(starts).collect::<Vec<_>>()).count();
        offers += count;
        open += usize::from(count > 0);
    }
    assert!((15..90).contains(&open) && offers > 400, "{open} panels offer {offers}");
    // Cells at which each group has enough members, but not all of the groups at once.
    let strategy = (2_usize..7).prop_flat_map(|people| (sets(people), groups(people, 3)));
    let mut contended = 0;
    for _ in 0..100 {
        let (people, groups) = strategy.new_tree(&mut runner).unwrap().current();
        let Ok(panel) = Panel::new(groups.clone(), people.len()) else { continue };
        let mut alone = CellSet::full(people[0].first(), people[0].len());
        for group in groups {
            alone.intersect(&Panel::new(vec![group], people.len()).unwrap().starts(&people));
        }
        alone.subtract(&panel.starts(&people));
        contended += alone.count();
    }
    assert!(contended > 50, "{contended}");
}

#[test]
fn groups_that_are_no_panel_say_why() {
    let panel = |groups: &[(&[usize], usize)]| {
        Panel::new(groups.iter().map(|(members, need)| Group { members: members.to_vec(), need: *need }).collect(), 4).unwrap_err()
    };
    assert_eq!(panel(&[]), PanelError::Empty);
    assert_eq!(panel(&[(&[0], 1), (&[], 1)]), PanelError::NoMembers { group: 1 });
    assert_eq!(panel(&[(&[0, 1], 0)]), PanelError::Need { group: 0, need: 0, members: 2 });
    assert_eq!(panel(&[(&[0, 1], 3)]), PanelError::Need { group: 0, need: 3, members: 2 });
    assert_eq!(panel(&[(&[0, 4], 1)]), PanelError::Unknown { group: 0, member: 4, people: 4 });
    assert_eq!(panel(&[(&[2, 0, 2], 1)]), PanelError::Twice { group: 0, member: 2 });
    assert_eq!(panel(&[(&[0, 1], 2), (&[1, 2], 1), (&[2], 1)]), PanelError::TooFew { need: 4, seated: 3 });
}

#[test]
fn whoever_is_in_two_groups_sits_for_one() {
    let group = |members: &[usize], need| Group { members: members.to_vec(), need };
    let panel = Panel::new(vec![group(&[0, 1], 1), group(&[0, 2], 1)], 3).unwrap();
    let full = || CellSet::full(Cell::from_number(0), 3);
    let mut sets = [full(), full(), full()];
    sets[1].remove(Cell::from_number(1));
    sets[1].remove(Cell::from_number(2));
    sets[2].remove(Cell::from_number(2));
    assert_eq!(panel.starts(&sets).iter().map(Cell::number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(panel.seat(Cell::from_number(0), &sets, &[9, 5, 1]), Some(vec![1, 2]));
    assert_eq!(panel.seat(Cell::from_number(1), &sets, &[9, 5, 1]), Some(vec![0, 2]));
    assert_eq!(panel.seat(Cell::from_number(2), &sets, &[9, 5, 1]), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of many: every count of every size, with and without whole words.
    #[test]
    fn so_many_of_many((people, need) in (1_usize..40).prop_flat_map(|people| (sets(people), 1..=people))) {
        let members: Vec<usize> = (0..people.len()).collect();
        let panel = Panel::new(vec![Group { members, need }], people.len()).unwrap();
        let starts = panel.starts(&people);
        for cell in CellSet::full(people[0].first(), people[0].len()).iter() {
            prop_assert_eq!(starts.contains(cell), people.iter().filter(|set| set.contains(cell)).count() >= need);
        }
        prop_assert!(starts.iter().all(|cell| CellSet::full(people[0].first(), people[0].len()).contains(cell)));
    }

    #[test]
    fn seats_are_the_cheapest_there_are((people, groups) in (2_usize..7).prop_flat_map(|people| (sets(people), groups(people, 3))),
        costs in vec(0_u64..5, 6)) {
        let Some(panel) = panel(&groups, people.len())? else { return Ok(()) };
        let starts = panel.starts(&people);
        for cell in CellSet::full(people[0].first(), people[0].len()).iter().step_by(5) {
            let can: Vec<Option<u64>> = people.iter().zip(&costs).map(|(set, cost)| set.contains(cell).then_some(*cost)).collect();
            let (best, seated) = (least(&groups, &can), panel.seat(cell, &people, &costs));
            prop_assert_eq!(starts.contains(cell), best.is_some());
            prop_assert_eq!(seated.as_ref().map(|seated| seated.iter().map(|member| costs[*member]).sum::<u64>()), best);
            if let Some(seated) = seated {
                prop_assert!(is_seating(&groups, &seated, |member| can[member].is_some()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Real people: the panel meets where `check` accepts enough of them; elsewhere it has reasons, and the fewest are named.
    #[test]
    fn a_panel_meets_where_enough_of_each_group_can((worlds, groups) in meeting()) {
        let Some(panel) = panel(&groups, worlds.len())? else { return Ok(()) };
        let (window, length) = (worlds[0].window, worlds[0].request.length);
        let requests: Vec<Request> = worlds.iter().map(|world| Request { length, ..world.request.clone() }).collect();
        let queries: Vec<Query<'_>> =
            worlds.iter().zip(&requests).map(|(world, request)| Query { request, ..crate::query(world) }).collect();
        let sets: Vec<CellSet> = queries.iter().map(|query| query.start_cells(window)).collect();
        let starts = panel.starts(&sets);
        for range in every_cell(window, length.minutes()) {
            let reasons: Vec<u64> = queries.iter().map(|query| query.check(range).err().map_or(0, |reasons| reasons.len() as u64)).collect();
            let can: Vec<Option<u64>> = reasons.iter().map(|count| (*count == 0).then_some(0)).collect();
            let offered = least(&groups, &can).is_some();
            prop_assert_eq!(starts.contains(Cell::at(range.start())), offered);
            // Dear, so not for every cell.
            if range.start().as_second() / 300 % 29 == 0 {
                explained(&panel, range, &queries, &reasons, offered)?;
            }
        }
    }
}

fn explained(panel: &Panel, range: TimeRange, queries: &[Query<'_>], reasons: &[u64], offered: bool) -> Result<(), TestCaseError> {
    let explanation = panel.explain(range, queries);
    prop_assert_eq!(explanation.is_offered(), offered);
    prop_assert!(!offered || explanation.groups.iter().all(|group| group.can >= group.need));
    let every: Vec<Option<u64>> = reasons.iter().map(|count| Some(*count)).collect();
    prop_assert_eq!(Some(explanation.to_open.len() as u64), least(panel.groups(), &every));
    // Without what is named, the panel meets.
    let opened: Vec<Option<u64>> = (0..queries.len())
        .map(|member| {
            let named = explanation.to_open.iter().filter(|named| named.member == member).count();
            (named as u64 == reasons[member]).then_some(0)
        })
        .collect();
    prop_assert_eq!(least(panel.groups(), &opened), Some(0));
    for (group, standing) in panel.groups().iter().zip(&explanation.groups) {
        let can = group.members.iter().filter(|member| reasons[**member] == 0).count();
        prop_assert_eq!((standing.can, standing.need, standing.members), (can, group.need, group.members.len()));
    }
    for member in &explanation.cannot {
        prop_assert_eq!(&member.reasons, &queries[member.member].explain(range));
    }
    Ok(())
}
