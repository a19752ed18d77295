//! The files of one vantage point are one capture: cut anywhere, their records are those of the whole.

use proptest::prelude::*;
use wsanalyze_engine::capture::{Opener, Parts, Reader, Series, Shift};

use crate::build::Pcap;

/// What is compared of a record: its frame, its time, its bytes; and the index of its file.
type Seen = (u64, i64, Vec<u8>, usize);

fn opener(file: Vec<u8>) -> Opener {
    Box::new(move || Reader::from_read(Box::new(std::io::Cursor::new(file))))
}

fn read(mut series: Series) -> (Vec<Seen>, Parts) {
    let mut seen = Vec::new();
    while let Some((file, record)) = series.next() {
        seen.push((record.frame, record.time, record.data.to_vec(), file));
    }
    (seen, series.finish())
}

fn capture(times: &[i64]) -> Vec<u8> {
    // Nanoseconds.
    let pcap = Pcap { magic: 0xa1b2_3c4d, ..Pcap::little() };
    let mut file = pcap.header();
    for (index, time) in times.iter().enumerate() {
        let data = [u8::try_from(index % 251).unwrap(); 7];
        let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000);
        file.extend(pcap.raw_record(seconds.try_into().unwrap(), fraction.try_into().unwrap(), [7, 7], &data));
    }
    file
}

proptest! {
    #[test]
    fn cut_anywhere_it_is_the_same(times in proptest::collection::vec(0_i64..10_000_000, 1..40), cuts in proptest::collection::vec(0_usize..40, 0..4)) {
        let times: Vec<i64> = times.iter().map(|time| time * 1_000).collect();
        let (whole, _) = read(Series::open(vec![opener(capture(&times))]).unwrap());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(times.len())).collect();
        cuts.sort_unstable();
        let ends = [&[0][..], &cuts, &[times.len()]].concat();
        let files = ends.windows(2).map(|ends| opener(capture(&times[ends[0]..ends[1]]))).collect();
        let (parts, told) = read(Series::open(files).unwrap());
        let of = |seen: &[Seen]| seen.iter().map(|one| (one.0, one.1)).collect::<Vec<_>>();
        prop_assert_eq!(of(&parts), of(&whole));
        prop_assert_eq!(told.files.iter().map(|part| part.frames).sum::<u64>(), times.len() as u64);
        prop_assert_eq!(told.left, 0);
    }
}

#[test]
fn what_begins_before_the_end_of_the_last_file_is_left() {
    let second = 1_000_000_000;
    let files = [[10 * second, 20 * second], [20 * second, 30 * second], [12 * second, 22 * second]];
    let openers = files.iter().map(|times| opener(capture(times))).collect();
    let begins: Vec<i64> = files.iter().map(|times| times[0]).collect();
    let (seen, told) = read(Series::open(openers).unwrap().only_in_time(&begins));
    assert_eq!((seen.len(), told.files.len(), told.left), (4, 2, 1));
    assert_eq!(seen.iter().map(|one| one.3).collect::<Vec<_>>(), [0, 0, 1, 1]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_and_no_end() {
    let openers = vec![opener(capture(&[1_000, 2_000])), opener(b"no capture".to_vec()), opener(capture(&[3_000]))];
    let (seen, told) = read(Series::open(openers).unwrap());
    assert_eq!(seen.iter().map(|one| (one.0, one.3)).collect::<Vec<_>>(), [(1, 0), (2, 0), (3, 2)]);
    assert!(told.files[1].summary.problems[0].contains("cannot be read"));
    assert!(Series::open(vec![opener(b"no capture".to_vec())]).is_err());
    assert!(Series::open(Vec::new()).is_err());
}

#[test]
fn clocks_are_corrected_from_a_frame_on() {
    let times: Vec<i64> = (1..=4).map(|second| second * 1_000_000_000).collect();
    let series = Series::open(vec![opener(capture(&times[..2])), opener(capture(&times[2..]))]).unwrap();
    let (seen, told) = read(series.corrected(&[Shift { frame: 3, by: -500_000_000 }]));
    assert_eq!(seen.iter().map(|one| one.1).collect::<Vec<_>>(), [times[0], times[1], 2_500_000_000, 3_500_000_000]);
    assert_eq!(told.files[1].summary.first_time, Some(2_500_000_000));
    assert_eq!(
        told.steps.iter().map(|step| (step.frame, step.by)).collect::<Vec<_>>(),
        [(2, 1_000_000_000), (3, 500_000_000), (4, 1_000_000_000)]
    );
}
