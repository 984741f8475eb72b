<?php
// An identity provider whose every file is in ROOM.

$room = getenv('ROOM');
$config = [
    'baseurlpath' => getenv('ADDRESS') . '/',
    'certdir' => "$room/cert/",
    'loggingdir' => "$room/",
    'datadir' => "$room/tmp/",
    'tempdir' => "$room/tmp",
    'metadatadir' => __DIR__ . '/metadata/',
    'secretsalt' => 'of no worth: this provider lives for one run of the tests',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'timezone' => 'UTC',
    'logging.handler' => 'file',
    'logging.level' => 6,
    'showerrors' => true,
    'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => "$room/sessions",
    'store.type' => 'phpsession',
    'language.default' => 'en',
    'language.available' => ['en'],
    'metadata.sources' => [['type' => 'flatfile']],
    'authproc.idp' => [],
];
