//! To an agency as files in a folder: each whole from the moment that it has its name.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;

use super::{Answer, Class, Failure, Message, Outbound};

/// Letters of a file's name, at most.
const NAME_CHARS_MAX: usize = 150;
/// Letters of its ending, at most: what is longer is none.
const ENDING_CHARS_MAX: usize = 10;

/// A folder that an agency's system takes files from.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at a path; it is looked for when something is sent.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

/// A name that leads out of no folder and that no system takes for something else.
pub(crate) fn plain(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }
    };
    let name: String = name.chars().map(safe).collect();
    let name = name.trim_start_matches('.');
    // What tells names apart stands in front, what tells kinds apart behind.
    let ended = name.rsplit_once('.').filter(|(_, ending)| ending.len() <= ENDING_CHARS_MAX);
    let (stem, ending) = ended.unwrap_or((name, "dat"));
    let room = NAME_CHARS_MAX.saturating_sub(ending.len());
    format!("{}.{ending}", stem.chars().take(room).collect::<String>())
}

/// Writes a file beside its place, makes it durable and renames it. The same message again is the
/// same file.
fn write(folder: &Path, message: &Message) -> io::Result<()> {
    let name = plain(&message.name);
    let part = folder.join(format!(".{name}.part"));
    let mut file = File::create(&part)?;
    file.write_all(&message.payload)?;
    file.sync_all()?;
    fs::rename(part, folder.join(name))?;
    File::open(folder)?.sync_all()
}

impl Outbound for Folder {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || write(&self.path, &message)).await;
            match written {
                Ok(Ok(())) => Ok(Answer::default()),
                Ok(Err(error)) => {
                    Err(Failure::new(Class::Unavailable, format!("the folder: {error}")))
                }
                Err(_) => Err(Failure::new(Class::Unknown, "the writing was broken off")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for (name, expected) in [
            ("7-a/../b.json", "7-a-..-b.json"),
            ("../../etc/passwd", "-..-etc-passwd.dat"),
            (".an.xml", "an.xml"),
            ("Hồ sơ.json", "H--s-.json"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert!(plain(&"a".repeat(900)).len() <= NAME_CHARS_MAX + 4);
        assert!(plain(&format!("a.{}", "b".repeat(900))).len() <= NAME_CHARS_MAX + 4);
    }

    #[test]
    fn a_file_is_whole_and_the_same_message_is_the_same_file() {
        let folder = std::env::temp_dir().join(format!("outbound-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let name = "7.json".to_owned();
        let message = Message { name, payload: "{}".into(), ..Message::default() };
        write(&folder, &message).unwrap();
        write(&folder, &message).unwrap();
        let names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names, ["7.json"]);
        assert_eq!(fs::read(folder.join("7.json")).unwrap(), b"{}");
        fs::remove_dir_all(&folder).unwrap();
        assert!(write(&folder, &message).is_err(), "a folder that is not there is not made");
    }
}
