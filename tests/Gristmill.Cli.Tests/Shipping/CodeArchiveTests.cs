using System.IO.Compression;
using System.Text;
using Gristmill.Shipping;

namespace Gristmill.Cli.Shipping;

public sealed class CodeArchiveTests
{
    private const string Deps = """
        {
          "runtimeTarget": { "name": ".NETCoreApp,Version=v10.0/linux-x64" },
          "targets": {
            ".NETCoreApp,Version=v10.0": {},
            ".NETCoreApp,Version=v10.0/linux-x64": {
              "pipeline/1.0.0": { "dependencies": { "Gristmill": "0.1.0", "Humanizer": "2.0.0" }, "runtime": { "pipeline.dll": {} } },
              "Gristmill/0.1.0": { "dependencies": { "Gristmill.Client": "0.1.0", "Orleans": "10.0.0" }, "runtime": { "Gristmill.dll": {} } },
              "Gristmill.Client/0.1.0": { "runtime": { "Gristmill.Client.dll": {} } },
              "Orleans/10.0.0": { "dependencies": { "Shared": "1.0.0" }, "runtime": { "lib/net8.0/Orleans.dll": {} } },
              "Shared/1.0.0": { "runtime": { "lib/net8.0/Shared.dll": {} } },
              "Humanizer/2.0.0": { "dependencies": { "Shared": "1.0.0" }, "runtime": { "lib/net8.0/Humanizer.dll": {} }, "native": { "runtimes/linux-x64/native/libhuman.so": {} } }
            }
          }
        }
        """;

    [Fact]
    public void Libraries_that_come_with_gristmill_stay_at_home() =>
        Assert.Equal(["Humanizer.dll", "libhuman.so", "pipeline.dll"], CodeArchive.OwnLibraries(Encoding.UTF8.GetBytes(Deps)).Order());

    [Fact]
    public void Equal_programs_make_equal_archives()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-archive-");
        try
        {
            var program = Path.Combine(folder.FullName, "pipeline.dll");
            File.WriteAllText(program, "program");
            File.WriteAllText(Path.Combine(folder.FullName, "Humanizer.dll"), "library");
            File.WriteAllText(Path.Combine(folder.FullName, "Orleans.dll"), "not ours");
            File.WriteAllText(Path.Combine(folder.FullName, "pipeline.deps.json"), Deps);

            var first = CodeArchive.Pack(program);
            File.SetLastWriteTimeUtc(program, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

            Assert.Equal(first, CodeArchive.Pack(program));
            using var archive = new ZipArchive(new MemoryStream(first));
            Assert.Equal(["Humanizer.dll", "pipeline.dll"], archive.Entries.Select(e => e.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/nowhere/pipeline.dll")]
    public void A_program_that_is_no_file_is_refused(string path) =>
        Assert.Equal(ErrorCodes.CodeLoad, Assert.Throws<GristmillException>(() => CodeArchive.Pack(path)).Code);
}
