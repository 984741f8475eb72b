<?php
// Routes what comes to PHP's own web server as Apache would, and takes service providers from tests.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/sps' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    $body = file_get_contents('php://input');
    $id = json_decode($body, true)['entityid'] ?? null;
    if (!is_string($id)) {
        http_response_code(400);
        return true;
    }
    $place = getenv('ROOM') . '/sps/' . sha1($id) . '.json';
    file_put_contents($place, $body, LOCK_EX);
    return true;
}
// A script may have more of the path after its name.
if (!preg_match('#^(/(?:[\w-]+/)*[\w-]+\.php)(/.*)?$#', $path, $parts)) {
    return false;
}
$script = $_SERVER['DOCUMENT_ROOT'] . $parts[1];
if (!is_file($script)) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $parts[1];
$_SERVER['SCRIPT_FILENAME'] = $script;
$_SERVER['PATH_INFO'] = $parts[2] ?? '';
chdir(dirname($script));
require $script;
return true;
