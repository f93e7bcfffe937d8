//! `lienthong send`: what an agency's system would do, by hand.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use super::{Exit, block_on};

/// A file to send.
pub(super) struct Letter {
    pub(super) channel: String,
    pub(super) file: PathBuf,
    pub(super) url: String,
    pub(super) key: String,
    pub(super) id: Option<String>,
}

/// A message over HTTP: its status and the hub's answer.
pub(super) async fn push(
    client: &reqwest::Client,
    letter: &Letter,
    payload: Vec<u8>,
) -> Result<(u16, String), reqwest::Error> {
    let url = format!("{}/v1/channels/{}/messages", letter.url, letter.channel);
    let mut request = client.post(url).bearer_auth(&letter.key).body(payload);
    if let Some(id) = &letter.id {
        request = request.header("Idempotency-Key", id);
    }
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

pub(super) fn run(letter: &Letter, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let payload = match fs::read(&letter.file) {
        Ok(payload) => payload,
        Err(error) => {
            writeln!(err, "failed to read {}: {error}", letter.file.display())?;
            return Ok(Exit::Faulty);
        }
    };
    match block_on(push(&reqwest::Client::new(), letter, payload))? {
        Ok((status, answer)) => {
            writeln!(out, "{answer}")?;
            Ok(match status {
                200 if answer.contains("\"outcome\":\"partial\"") => Exit::PartlyRefused,
                200 => Exit::Done,
                409 | 422 => Exit::PartlyRefused,
                503 => Exit::Unreachable,
                _ => Exit::Faulty,
            })
        }
        Err(error) => {
            writeln!(err, "failed to reach {}: {error}", letter.url)?;
            Ok(Exit::Unreachable)
        }
    }
}
