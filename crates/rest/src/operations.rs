gantry_api::operations! {
    create_repository::CreateRepository,
    delete_image::DeleteImage,
    delete_repository::DeleteRepository,
    get_image::GetImage,
    get_open_api::GetOpenApi,
    get_repository::GetRepository,
    list_images::ListImages,
    list_repositories::ListRepositories,
    put_tag::PutTag,
}
