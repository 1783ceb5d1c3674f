gantry_api::operations! {
    answer_device::AnswerDevice,
    begin_login::BeginLogin,
    finish_login::FinishLogin,
    get_style::GetStyle,
    log_out::LogOut,
    make_credentials::MakeCredentials,
    show_device::ShowDevice,
    show_login::ShowLogin,
}
