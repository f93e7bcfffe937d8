//! Feedback through the front door: the portal sends it, its agency alone reads all of it and
//! answers, everybody gets the sums.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        self,
        agency::{Agency, Reply},
    },
    harness::{Hub, Sender},
};

on_each_store!(
    feedback_is_routed_answered_and_summed_up,
    feedback_is_delivered_to_the_system_of_its_agency,
    feedback_of_few_is_told_to_who_answers_for_it_alone,
    feedback_about_an_agency_that_there_is_none_of_is_refused,
);

/// Posts to one of the hub's own addresses.
pub(crate) async fn post(
    sender: &Sender,
    path: &str,
    id: Option<&str>,
    body: &Value,
) -> (u16, Value) {
    let url = format!("{}{path}", sender.url);
    let mut request = sender.client.post(url).bearer_auth(&sender.key).body(body.to_string());
    if let Some(id) = id {
        request = request.header("Idempotency-Key", id);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn said(id: &str, rating: u8) -> Value {
    json!({ "id": id, "agency": "so-y-te", "procedure": "1.001612", "rating": rating,
            "text": "Chờ lâu", "name": "Nguyễn Văn Mẫu", "phone": "0900000001",
            "submitted_at": "2024-08-23T03:00:00Z" })
}

fn answer(id: &str, agency: &str) -> Value {
    json!({ "feedback": id, "agency": agency, "answered_at": "2024-08-26T03:00:00Z",
            "outcome": "resolved", "text": "Đã nhắc nhở bộ phận một cửa." })
}

/// Nor do the records behind the events name anybody to the portal, which passed them on.
async fn names_nobody(portal: &Sender) {
    let events = portal.feed("records", 100).await;
    for path in events.iter().filter_map(|event| event["dataref"].as_str()) {
        let one = portal.found(path).await;
        assert_eq!(one["personal"], "withheld", "{one}");
        assert!(!one.to_string().contains("Nguyễn Văn Mẫu"), "{one}");
    }
}

/// Who knows the day alone, as the contract allows, says the day; what is none is refused by name.
async fn a_day_is_enough(portal: &Sender, agency: &Sender) {
    let of = |id: &str, day: &str| {
        let mut said = said(id, 5);
        said["submitted_at"] = json!(day);
        said
    };
    let (status, receipt) =
        post(portal, "/v1/feedback", Some("pa-4"), &of("pa-4", "2024-09-02")).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    let listed = agency.found("/v1/feedback?from=2024-09-02&to=2024-09-02").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["feedback"]["submitted_at"], "2024-09-02");
    let mut answer = answer("pa-4", "so-y-te");
    answer["answered_at"] = json!("2024-09-05");
    let (status, receipt) = post(agency, "/v1/feedback/answers", None, &answer).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    let told = agency.found("/v1/feedback/summary?from=2024-09-01&to=2024-09-30").await;
    assert_eq!(told["rows"][0]["days_to_answer_median"], 3, "{told}");
    for day in ["2024-02-30", "02/09/2024", "2024-09-02T08:00:00"] {
        let (status, refused) = post(portal, "/v1/feedback", None, &of("pa-5", day)).await;
        let problem = &refused["receipt"]["refusals"][0]["problems"][0];
        assert_eq!((status, &problem["pointer"]), (422, &json!("/submitted_at")), "{refused}");
    }
}

/// Which rule, with its limit, in both languages; the value beside it.
fn names_the_limit(problem: &Value) {
    assert_eq!(problem["detail"]["vi"], "Giá trị lớn hơn 5, mức tối đa.", "{problem}");
    assert_eq!(problem["detail"]["en"], "The value is greater than 5, the most allowed.");
    assert_eq!((&problem["rule"], &problem["value"]), (&json!("maximum: 5"), &json!("6")));
}

async fn feedback_is_routed_answered_and_summed_up(backend: Backend) {
    let folder = backend.folder_of("feedback", &["tests/corpus/roadmap"]);
    let keys = ["portal", "agency:so-y-te", "agency:so-xay-dung"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [portal, agency, other] = keys.map(|key| hub.sender(&key));
    for (id, rating) in [("pa-1", 1), ("pa-2", 4), ("pa-3", 5)] {
        let (status, receipt) = post(&portal, "/v1/feedback", Some(id), &said(id, rating)).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }
    let (status, again) = post(&portal, "/v1/feedback", Some("pa-1"), &said("pa-1", 1)).await;
    assert_eq!((status, &again["outcome"]), (200, &json!("duplicate")));
    // What breaks the contract is refused by name; who may not send is told so.
    let (status, refused) = post(&portal, "/v1/feedback", None, &said("pa-9", 6)).await;
    let problem = &refused["receipt"]["refusals"][0]["problems"][0];
    assert_eq!((status, &problem["pointer"]), (422, &json!("/rating")), "{refused}");
    names_the_limit(problem);
    assert_eq!(post(&agency, "/v1/feedback", None, &said("pa-8", 1)).await.0, 403);
    assert_eq!(
        post(&portal, "/v1/feedback/answers", None, &answer("pa-1", "so-y-te")).await.0,
        403
    );
    // Its agency reads all of it, the portal without persons, another agency nothing.
    let own = agency.found("/v1/feedback?state=open&purpose=complaint").await;
    assert_eq!(own["items"].as_array().unwrap().len(), 3);
    assert_eq!(own["items"][0]["feedback"]["name"], "Nguyễn Văn Mẫu");
    let public = portal.found("/v1/feedback?agency=so-y-te&purpose=complaint").await.to_string();
    for personal in ["Nguyễn Văn Mẫu", "0900000001", "Chờ lâu"] {
        assert!(!public.contains(personal), "{personal}");
    }
    names_nobody(&portal).await;
    assert_eq!(other.found("/v1/feedback").await["items"], json!([]));
    assert_eq!(other.get("/v1/feedback?agency=so-y-te").await.0, 403);
    // Nobody answers in another's name.
    let (status, refused) =
        post(&other, "/v1/feedback/answers", None, &answer("pa-1", "so-y-te")).await;
    let problem = &refused["receipt"]["refusals"][0]["problems"][0];
    assert_eq!((status, &problem["pointer"]), (422, &json!("/agency")), "{refused}");
    let (status, receipt) =
        post(&agency, "/v1/feedback/answers", None, &answer("pa-1", "so-y-te")).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    let answered = agency.found("/v1/feedback?state=answered&purpose=complaint").await;
    assert_eq!(answered["items"].as_array().unwrap().len(), 1);
    assert_eq!(answered["items"][0]["answer"]["text"], "Đã nhắc nhở bộ phận một cửa.");
    // Page by page it is the same.
    let (mut path, mut seen) = ("/v1/feedback?limit=1".to_owned(), Vec::new());
    loop {
        let (status, page, next) = agency.page(&path).await;
        assert_eq!(status, 200, "{page}");
        let ids = page["items"].as_array().unwrap().iter().map(|one| one["feedback"]["id"].clone());
        seen.extend(ids);
        let Some(next) = next else { break };
        path = next;
    }
    assert_eq!(seen, ["pa-1", "pa-2", "pa-3"]);
    let sums = "/v1/feedback/summary?from=2024-08-01&to=2024-08-31&by=procedure";
    let told = agency.found(sums).await;
    let row = &told["rows"][0];
    assert_eq!((&row["received"], &row["answered"]), (&json!(3), &json!(1)), "{told}");
    assert_eq!((&row["days_to_answer_median"], &row["few"]), (&json!(3), &json!(true)));
    assert_eq!(row["ratings"], json!([1, 0, 0, 1, 1]));
    assert_eq!(
        (&row["procedure"], &row["rating_mean_hundredths"]),
        (&json!("1.001612"), &json!(333))
    );
    a_day_is_enough(&portal, &agency).await;
    hub.stop();
    let kept = folder.verify();
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    assert_eq!(folder.verify(), kept);
}

/// By a route of the province's, which says of which agency it is and that persons go with it.
async fn feedback_is_delivered_to_the_system_of_its_agency(backend: Backend) {
    let route = "[[route]]\ncontract = \"feedback/1\"\nwhen = \"agency == 'so-nhan'\"\n\
                 to = \"so-nhan.nhan\"\npersonal = true\n";
    let system = Agency::new(|_, before| match before {
        0 => Reply::Says(503, "", ""),
        _ => Reply::TAKEN,
    })
    .await;
    let ends = [("so-nhan.nhan", &*delivery::at(&system.url))];
    let folder = delivery::office(backend, "feedback-delivered", route, &ends);
    let keys = ["portal", "operator"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [portal, operator] = keys.map(|key| hub.sender(&key));
    for (id, agency) in [("pa-1", "so-gui"), ("pa-2", "so-nhan")] {
        let mut said = said(id, 2);
        said["agency"] = json!(agency);
        let (status, receipt) = post(&portal, "/v1/feedback", Some(id), &said).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }
    delivery::settled(&operator, "so-nhan.nhan").await;
    let sent: Vec<Value> =
        system.taken().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let told = [&sent[0]["id"], &sent[0]["text"], &sent[0]["phone"]];
    assert_eq!(told, ["pa-2", "Chờ lâu", "0900000001"], "{sent:#?}");
    assert_eq!(system.seen().len(), 2, "it came again after it was not taken");
}

/// Of three who said something one may be known; of nine none. Nor are three told beside six of the
/// same agency, whose sum is told.
async fn feedback_of_few_is_told_to_who_answers_for_it_alone(backend: Backend) {
    let folder = backend.folder_of("feedback-few", &["tests/corpus/roadmap"]);
    let folder = folder.with_lines("hide_of_fewer_than = 5\n");
    let keys = ["portal", "agency:so-y-te"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [portal, agency] = keys.map(|key| hub.sender(&key));
    let say = async |id: String, procedure: &str| {
        let mut said = said(&id, 2);
        said["procedure"] = json!(procedure);
        let (status, receipt) = post(&portal, "/v1/feedback", Some(&id), &said).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    };
    for number in 0..3 {
        say(format!("it-{number}"), "1.001612").await;
    }
    let whole = "/v1/feedback/summary?from=2024-08-01&to=2024-08-31";
    let sums = format!("{whole}&by=procedure");
    for path in [whole, &sums] {
        let told = portal.found(path).await;
        let row = &told["rows"][0];
        assert_eq!((&row["few"], &told["suppressed_below"]), (&json!(true), &json!(5)), "{told}");
        for name in ["received", "answered", "ratings", "rating_mean_hundredths"] {
            assert_eq!(row.get(name), None, "{told}");
            assert!(row["suppressed"].as_array().unwrap().contains(&json!(name)), "{told}");
        }
    }
    for number in 0..6 {
        say(format!("khac-{number}"), "2.000490").await;
    }
    let told = portal.found(&sums).await;
    let all = told["rows"].as_array().unwrap();
    assert!(all.len() == 2 && all.iter().all(|row| row.get("received").is_none()), "{told}");
    let told = portal.found(whole).await;
    assert_eq!((&told["rows"][0]["received"], &told["rows"][0]["few"]), (&json!(9), &json!(false)));
    // The agency answers for its own, and sees all of it.
    let own = agency.found(&sums).await;
    let received = [&own["rows"][0]["received"], &own["rows"][1]["received"]];
    assert_eq!((received, own.get("suppressed_below")), ([&json!(3), &json!(6)], None), "{own}");
}

/// Nobody would read it. An agency that the catalogue alone has is one.
async fn feedback_about_an_agency_that_there_is_none_of_is_refused(backend: Backend) {
    let mut folder = backend.folder_of("feedback-unknown", &["tests/corpus/roadmap"]);
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    let about = |agency: &str| {
        let mut said = said(agency, 4);
        said["agency"] = json!(agency);
        said
    };
    let (status, refused) = post(&portal, "/v1/feedback", None, &about("ubnd-khong-co")).await;
    let problem = &refused["receipt"]["refusals"][0]["problems"][0];
    let told = (&problem["code"], &problem["pointer"], &problem["value"]);
    let wanted = (&json!("unknown-agency"), &json!("/agency"), &json!("ubnd-khong-co"));
    assert_eq!((status, told), (422, wanted), "{refused}");
    assert!(problem["advice"]["vi"].as_str().unwrap().contains("/v1/agencies"), "{refused}");
    for agency in ["so-xay-dung", "ubnd-bien-hoa"] {
        let (status, receipt) = post(&portal, "/v1/feedback", None, &about(agency)).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }
}
