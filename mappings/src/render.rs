//! From a record to what an agency takes: the language of mappings the other way. The record is
//! what is read, and the agency's own members are what is made.

mod xml;

use contracts::{ContractId, Members, Part, Problem, problem};

use crate::{
    apply::{items, missing, produce, put, to_part},
    format::{Format, JsonOptions, Limits},
    functions::Scene,
    gazetteer::Gazetteer,
    mapping::{List, Rule},
};

/// How what is made is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    Json,
    /// With the root element's name.
    Xml(String),
}

/// A compiled form: made by [`Rendering::compile`].
pub struct Rendering {
    pub(crate) contract: ContractId,
    pub(crate) written: Written,
    /// What is made, in the order of the file.
    pub(crate) pieces: Vec<Piece>,
}

/// One member to make.
pub(crate) enum Piece {
    One(Rule),
    List(List),
}

impl Rendering {
    /// What records it is of.
    pub fn contract(&self) -> &ContractId {
        &self.contract
    }

    /// The media type of what it makes.
    pub fn content_type(&self) -> &'static str {
        match self.written {
            Written::Json => "application/json",
            Written::Xml(_) => "application/xml; charset=utf-8",
        }
    }

    /// The ending of a file that holds what it makes.
    pub fn ending(&self) -> &'static str {
        match self.written {
            Written::Json => "json",
            Written::Xml(_) => "xml",
        }
    }

    /// Writes a record, given as JSON, in its form.
    ///
    /// # Errors
    /// Every member that is needed and that the record does not have, every value that the form
    /// does not take.
    pub fn render(&self, record: &str, gazetteer: &Gazetteer) -> Result<Vec<u8>, Vec<Problem>> {
        let mut made = Err(vec![Problem::new(&problem::NOT_THE_FORMAT)]);
        let json = Format::Json(JsonOptions::default());
        let read = json.read(record, &[], &Limits::default(), &mut |item| {
            if let Ok((document, record)) = item {
                made = self.made(Scene { document, record, gazetteer, day: None });
            }
        });
        read.map_err(|_| vec![Problem::new(&problem::NOT_THE_FORMAT)])?;
        made
    }

    fn made(&self, scene: Scene<'_>) -> Result<Vec<u8>, Vec<Problem>> {
        let mut body = Members::with_room_for(self.pieces.len());
        let mut problems = Vec::new();
        let place: &mut dyn FnMut(usize) -> (u32, u32) = &mut |_| (1, 1);
        for piece in &self.pieces {
            let rule = match piece {
                Piece::One(rule) => rule,
                Piece::List(list) => {
                    items(list, scene, place, &mut body, &mut problems);
                    continue;
                }
            };
            match produce(rule, &scene, &[], place) {
                Ok(Some(value)) => {
                    put(&mut body, (&rule.segments, rule.alone), to_part(value, rule.wants));
                }
                Ok(None) if rule.required => problems.push(missing(rule, &scene, place)),
                Ok(None) => {}
                Err(problem) => problems.push(*problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        match &self.written {
            // Texts, numbers and lists of them: nothing can fail.
            Written::Json => Ok(serde_json::to_vec(&Part::Object(body)).unwrap_or_default()),
            Written::Xml(root) => Ok(xml::written(root, &body).into_bytes()),
        }
    }
}
