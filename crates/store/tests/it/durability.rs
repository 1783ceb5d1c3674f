//! What is synced before an answer is given, as the system calls tell: a power cut cannot be had in a test.

use crate::world::{self, append, begin, bytes, key};

#[tokio::test]
async fn once_published_an_upload_has_left_nothing_behind() {
    let (root, store) = world::folder();
    let upload = append(begin(&store, "layer").await, &bytes(3 << 20)).await;

    upload.publish(&key("sha256/ab/abc.1")).await.unwrap();

    assert_eq!(std::fs::read_dir(root.path().join("uploads")).unwrap().count(), 0);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    let held = open.filter(|path| path.starts_with(root.path())).count();
    assert_eq!(held, 0, "no file is left open");
}
