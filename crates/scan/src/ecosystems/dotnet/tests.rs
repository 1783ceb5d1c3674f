use crate::ecosystems::packed_tests::{names, read};

#[test]
fn a_runtime_is_told_by_its_folder() {
    let path = "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json";

    let found = read("dotnet", path, br#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-arm64"}}"#);

    assert_eq!(names(&found.packages), ["Microsoft.NETCore.App.Runtime.linux-arm64 8.0.1"]);
}

#[test]
fn an_application_is_no_runtime_though_it_lies_in_a_folder_called_shared() {
    let found = read("dotnet", "srv/shared/shop/1.0/app.deps.json", br#"{"libraries": {}}"#);

    assert_eq!(found.packages, []);
}

#[test]
fn what_cannot_be_read_is_complained_about() {
    let complaints = |path: &str, text: &str| read("dotnet", path, text.as_bytes()).complaints.len();

    assert_eq!(complaints("a.deps.json", "{"), 1);
    assert_eq!(complaints("packages.lock.json", "[1]"), 1);
    assert_eq!(complaints("a.nuspec", "<package><metadata><id>a</id></metadata></package>"), 1);
    assert_eq!(complaints("a.nuspec", &"<a>".repeat(100_000)), 1);
}
