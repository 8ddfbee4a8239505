# SPDX-License-Identifier: Apache-2.0
"""The Debian package as built, unpacked into a folder: what is in it, and whether httpd takes it."""

import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
MODULES = "/usr/lib/apache2/modules"
NEEDED = ("mpm_event", "authn_core", "authz_core", "authz_user", "env", "headers", "setenvif", "socache_shmcb", "ssl",
          "proxy", "proxy_http")


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def must(*command):
    done = run(*command)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    must(TREE / "debian/build.sh", folder)
    assert len(list(folder.iterdir())) == 1
    return next(folder.glob("libapache2-mod-eas-certauth_*.deb"))


@pytest.fixture(scope="module")
def root(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    must("dpkg-deb", "-x", package, folder)
    return folder


def check_configuration(root, folder, *contents):
    """`apache2 -t` over the package's own files, and more."""
    load = (root / "etc/apache2/mods-available/eas_certauth.load").read_text()
    lines = [f"ServerRoot {folder}", f"DefaultRuntimeDir {folder}", f"PidFile {folder}/pid", f"ErrorLog {folder}/log",
             "ServerName package.example.test", "User www-data", "Group www-data",
             *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED), "Listen 127.0.0.1:8443",
             load.replace(MODULES, str(root) + MODULES),
             (root / "etc/apache2/mods-available/eas_certauth.conf").read_text(), *contents]
    (folder / "httpd.conf").write_text("\n".join(lines))
    return run("/usr/sbin/apache2", "-t", "-f", folder / "httpd.conf")


def test_package_holds_module_configuration_and_documentation(root):
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    documents = "usr/share/doc/libapache2-mod-eas-certauth"
    assert {"usr/lib/apache2/modules/mod_eas_certauth.so", "etc/apache2/mods-available/eas_certauth.load",
            "etc/apache2/mods-available/eas_certauth.conf", f"{documents}/copyright", f"{documents}/directives.md",
            f"{documents}/messages.md", f"{documents}/examples/exchange.conf",
            f"{documents}/examples/sogo.conf", f"{documents}/examples/account-file.conf",
            "usr/bin/eas-certauth", "usr/share/man/man1/eas-certauth.1.gz"} <= files
    assert all(name.startswith(("usr/lib/apache2/", "etc/apache2/mods-available/", documents, "usr/bin/eas-certauth",
                                "usr/share/man/man1/")) for name in files)


def test_documents_of_the_package_lead_to_each_other(root):
    folder = root / "usr/share/doc/libapache2-mod-eas-certauth"
    for document in (one for one in folder.glob("*.md") if one.name != "README.md"):    # which is written for the tree
        for name in re.findall(r"\]\(([\w-]+\.md)", document.read_text(encoding="utf-8")):
            assert (folder / name).is_file(), (document.name, name)


def test_package_makes_the_directory_of_fetched_lists_and_takes_it_along(package, tmp_path):
    must("dpkg-deb", "-e", package, tmp_path / "control")
    made, purged = ((tmp_path / "control" / name).read_text() for name in ("postinst", "postrm"))
    default = re.search(r'"(/[^"]+)", "EASCRLCache"', (TREE / "src/httpd/directives.def").read_text())[1]
    assert f"install -d -m 0750 -o www-data -g www-data {default}" in made
    assert f"rm -rf {default}" in purged


def test_command_as_installed_runs_and_is_hardened(root):
    command = root / "usr/bin/eas-certauth"
    assert "usage: eas-certauth map" in must(command, "--help")
    assert re.search(r"BIND_NOW|\bNOW\b", must("readelf", "-dW", command))
    assert "DYN" in must("readelf", "-hW", command)


def test_package_depends_on_what_it_loads(package):
    depends = must("dpkg-deb", "-f", package, "Depends")
    for name in ("apache2-api-20120211", "libgssapi-krb5-2", "libkrb5-3", "libldap-2", "libssl3",
                 "libsasl2-modules-gssapi-mit"):
        assert name in depends, depends


def test_module_is_hardened_and_exports_one_symbol(root):
    module = root / "usr/lib/apache2/modules/mod_eas_certauth.so"
    assert re.search(r"BIND_NOW|\bNOW\b", must("readelf", "-dW", module))
    assert "GNU_RELRO" in must("readelf", "-lW", module)
    symbols = must("nm", "-D", module)
    assert re.findall(r"^\S+ [A-TV-Z] (\S+)", symbols, re.M) == ["eas_certauth_module"]
    assert "__stack_chk_fail" in symbols and "_chk@" in symbols


def test_load_file_names_modules_that_a2enmod_knows(root):
    load = (root / "etc/apache2/mods-available/eas_certauth.load").read_text()
    names = re.search(r"^# Depends: (.*)$", load, re.M)[1].split()
    assert names and all(Path(f"/etc/apache2/mods-available/{name}.load").exists() for name in names)


def test_configuration_as_installed_is_accepted(root, tmp_path):
    done = check_configuration(root, tmp_path)
    assert done.returncode == 0 and "Syntax OK" in done.stdout, done.stdout


def test_annotated_configuration_with_every_default_said_is_accepted(root, tmp_path):
    """Uncommented, the annotated file is a configuration: nobody is misled by a default that does not parse."""
    text = (root / "etc/apache2/mods-available/eas_certauth.conf").read_text()
    active = [line[1:] for line in text.splitlines() if re.match(r"#EAS\w+ [^<]", line)]
    assert len(active) > 10
    done = check_configuration(root, tmp_path, *active)
    assert done.returncode == 0, done.stdout


def test_sogo_example_with_files_of_this_machine_is_accepted(root, tmp_path):
    text = (root / "usr/share/doc/libapache2-mod-eas-certauth/examples/sogo.conf").read_text()
    must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail.example.test", "-days", "100",
         "-keyout", tmp_path / "mail.key", "-out", tmp_path / "mail.pem")
    for name in ("phones-ca.pem", "domain-ca.pem"):
        (tmp_path / name).write_bytes((tmp_path / "mail.pem").read_bytes())
    (tmp_path / "eas-bind-password").write_text("secret\n")
    text = re.sub(r"/etc/(?:ssl/certs|ssl/private|apache2)/", f"{tmp_path}/", text)
    done = check_configuration(root, tmp_path, text)
    assert done.returncode == 0, done.stdout
