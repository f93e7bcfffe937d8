//! The form in which a field's dates are written.

use crate::{
    document::Document,
    functions::{self, Bound, Scene, Value},
    gazetteer::Gazetteer,
    rule::Word,
};

/// Forms that offices use, the likelier first where a value fits several.
pub(crate) const FORMS: [&str; 22] = [
    "rfc3339",
    "rfc3339-hhmm",
    "msdate",
    "yyyy-MM-dd",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm",
    "yyyy-MM-ddTHH:mm:ss",
    "dd/MM/yyyy",
    "dd/MM/yyyy HH:mm:ss",
    "dd/MM/yyyy HH:mm",
    "d/M/yyyy",
    "d/M/yyyy HH:mm",
    "d/M/yyyy HH:mm:ss",
    "dd-MM-yyyy",
    "dd-MM-yyyy HH:mm",
    "dd.MM.yyyy",
    "yyyyMMdd",
    "ddMMyyyy",
    "yyyyMMddHHmmss",
    "dd/MM/yy",
    "dd-MM-yy",
    "HH:mm dd/MM/yyyy",
];

/// Forms of birth dates besides.
const PARTIAL: [&str; 5] = ["yyyy", "MM/yyyy", "MM-yyyy", "yyyy-MM-00", "yyyy-00-00"];

/// Forms that together read most values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forms {
    /// As arguments of the function.
    pub(super) arguments: String,
    /// How many values they read.
    pub(super) read: usize,
}

/// A function of one argument, ready to run.
pub(crate) fn bound(function: &str, form: &str) -> Option<Bound> {
    let word = Word { text: form.to_owned(), at: 0, quoted: true };
    let found = functions::find(function)?;
    (found.bind)(&[word], &std::collections::BTreeMap::new()).ok()
}

/// Which values a form reads.
fn reads(function: &str, form: &str, values: &[String]) -> Vec<bool> {
    let Some(bound) = bound(function, form) else { return vec![false; values.len()] };
    let (document, gazetteer) = (Document::default(), Gazetteer::default());
    let scene =
        Scene { document: &document, record: document.root(), gazetteer: &gazetteer, day: None };
    let fits = |value: &String| {
        let text = Value::Text(value.as_str().into());
        matches!(bound.apply.apply(text, &scene), Ok(Some(_)))
    };
    values.iter().map(fits).collect()
}

/// The fewest forms that read the values, at most three; `None` where most are no dates.
pub(super) fn forms(function: &str, values: &[String]) -> Option<Forms> {
    let mut left: Vec<String> = values.to_vec();
    let mut chosen: Vec<&str> = Vec::new();
    let all = FORMS.iter().chain(PARTIAL.iter().filter(|_| function == "partial_date"));
    let all: Vec<&str> = all.copied().collect();
    while !left.is_empty() && chosen.len() < 3 {
        let mut best: Option<(usize, &str, Vec<bool>)> = None;
        for form in &all {
            let fits = reads(function, form, &left);
            let count = fits.iter().filter(|fit| **fit).count();
            if count > best.as_ref().map_or(0, |(most, ..)| *most) {
                best = Some((count, form, fits));
            }
        }
        let Some((_, form, fits)) = best else { break };
        chosen.push(form);
        let mut fits = fits.into_iter();
        left.retain(|_| !fits.next().unwrap_or(false));
    }
    let read = values.len() - left.len();
    if read == 0 || read * 5 < values.len() * 4 {
        return None;
    }
    let argument = |form: &&str| match form.contains(' ') {
        true => format!("'{form}'"),
        false => (*form).to_owned(),
    };
    Some(Forms { arguments: chosen.iter().map(argument).collect::<Vec<_>>().join(" "), read })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(function: &str, values: &[&str]) -> Option<String> {
        let values: Vec<String> = values.iter().map(|one| (*one).to_owned()).collect();
        forms(function, &values).map(|forms| forms.arguments)
    }

    #[test]
    fn the_forms_of_offices_are_told_apart() {
        let told = |values: &[&str]| of("date", values).unwrap();
        assert_eq!(told(&["04/03/2024", "31/12/2024"]), "dd/MM/yyyy");
        assert_eq!(told(&["4/3/2024", "31/12/2024"]), "d/M/yyyy");
        assert_eq!(told(&["2024-03-04 08:30:00"]), "'yyyy-MM-dd HH:mm:ss'");
        assert_eq!(told(&["/Date(1383527730000+0700)/"]), "msdate");
        assert_eq!(told(&["20131104081530"]), "yyyyMMddHHmmss");
        assert_eq!(told(&["04/03/2024", "05/03/2024", "06/03/24"]), "dd/MM/yyyy dd/MM/yy");
        assert_eq!(of("date", &["chưa rõ", "04/03/2024"]), None);
        assert_eq!(of("partial_date", &["1968", "12-05-1987"]).unwrap(), "dd-MM-yyyy yyyy");
    }
}
