gantry_api::operations! {
    answer_device::AnswerDevice,
    begin_login::BeginLogin,
    finish_login::FinishLogin,
    get_style::GetStyle,
    log_out::LogOut,
    make_credentials::MakeCredentials,
    make_own_token::MakeOwnToken,
    revoke_own_token::RevokeOwnToken,
    show_device::ShowDevice,
    show_login::ShowLogin,
}
