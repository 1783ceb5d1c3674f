use gantry_fault::Fault;
use serde::{Serialize, de::DeserializeOwned};
use std::io::Read;

/// zstd's level: a layer is packed once, and read with every image that is put together anew.
const LEVEL: i32 = 3;
/// Bytes of an inventory or a layer at most, unpacked. A hundred thousand packages are some 30 MB.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Packs what goes into the database: JSON, through zstd.
pub(crate) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    let json = serde_json::to_vec(value).map_err(Fault::internal)?;
    zstd::encode_all(json.as_slice(), LEVEL).map_err(Fault::internal)
}

/// Unpacks it; `None` where another version wrote it, or where it is damaged: then it is read again from the image.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut json = Vec::new();
    zstd::Decoder::new(bytes).ok()?.take(UNPACKED_BYTES_MAX).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::{Installed, Inventory, Package, PackageType};

    #[test]
    fn what_was_packed_comes_out_again() {
        let package = Package::new(PackageType::Deb, "openssl", "3.0.11-1~deb12u2");
        let installed = Installed { package, path: "var/lib/dpkg/status".into(), layer: 0 };
        let inventory = Inventory { packages: vec![installed], ..Inventory::default() };

        let packed = pack(&inventory).unwrap();

        assert_eq!(unpack::<Inventory>(&packed), Some(inventory));
    }

    #[test]
    fn what_is_damaged_is_nothing() {
        let mut packed = pack(&Inventory::default()).unwrap();
        packed[0] ^= 1;

        assert_eq!(unpack::<Inventory>(&packed), None);
    }
}
