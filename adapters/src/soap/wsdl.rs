//! The WSDL of a channel: one operation in the bindings of SOAP 1.1 and 1.2.

use quick_xml::escape::escape;

use super::words::{RECEIPT, action};

/// What a channel offers over SOAP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The channel.
    pub channel: String,
    /// The one operation: the local name of the element in the Body.
    pub operation: String,
    /// The namespace of that element; empty where it has none.
    pub namespace: String,
    /// What it is for, as a sentence.
    pub about: String,
}

/// What receipts and problems hold, as they are written in `words.rs`.
const RECEIPT_SCHEMA: &str = include_str!("receipt.xsd");

/// What a WSDL says of every channel.
const CHANNEL: &str = include_str!("channel.wsdl");

/// The WSDL 1.1 of a service at an address.
pub(super) fn wsdl(service: &Service, address: &str) -> String {
    let Service { operation, namespace, .. } = service;
    let own = match namespace.as_str() {
        "" => format!("urn:lienthong:channel:{}", service.channel),
        namespace => namespace.to_owned(),
    };
    let [address, about] = [address, &service.about].map(|text| escape(text).into_owned());
    let action = escape(action(namespace, operation)).into_owned();
    let schema_target = match namespace.as_str() {
        "" => String::new(),
        namespace => format!(" targetNamespace=\"{}\"", escape(namespace)),
    };
    // An element of no namespace has a name of no prefix.
    let element = if namespace.is_empty() { "" } else { "tns:" };
    let own = escape(own).into_owned();
    let bindings: String = [("Soap11", "soap"), ("Soap12", "soap12")]
        .map(|(name, soap)| binding(name, soap, operation, &action))
        .concat();
    let ports: String = [("Soap11", "soap"), ("Soap12", "soap12")]
        .map(|(name, soap)| {
            format!(
                "    <wsdl:port name=\"{name}\" binding=\"tns:{name}\">\n      \
                 <{soap}:address location=\"{address}\"/>\n    </wsdl:port>\n"
            )
        })
        .concat();
    let parts = [
        ("OWN", own.as_str()),
        ("ABOUT", &about),
        ("RECEIPTS", &RECEIPT_SCHEMA.replace("RECEIPT", RECEIPT)),
        ("RECEIPT", RECEIPT),
        ("TARGET", &schema_target),
        ("OPERATION", operation),
        ("ELEMENT", element),
        ("BINDINGS", &bindings),
        ("PORTS", &ports),
    ];
    filled(CHANNEL, &parts)
}

/// A text with what stands in braces filled in, each once: what was filled in is not looked at.
fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for piece in template.split('{') {
        let found = piece.split_once('}');
        let part = found.and_then(|(name, _)| parts.iter().find(|(known, _)| *known == name));
        match (found, part) {
            (Some((_, rest)), Some((_, text))) => {
                out.push_str(text);
                out.push_str(rest);
            }
            _ => out.push_str(piece),
        }
    }
    out
}

fn binding(name: &str, soap: &str, operation: &str, action: &str) -> String {
    format!(
        r#"  <wsdl:binding name="{name}" type="tns:Channel">
    <{soap}:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="{operation}">
      <{soap}:operation soapAction="{action}" style="document"/>
      <wsdl:input><{soap}:body use="literal"/></wsdl:input>
      <wsdl:output><{soap}:body use="literal"/></wsdl:output>
      <wsdl:fault name="Problem"><{soap}:fault name="Problem" use="literal"/></wsdl:fault>
    </wsdl:operation>
  </wsdl:binding>
"#
    )
}
