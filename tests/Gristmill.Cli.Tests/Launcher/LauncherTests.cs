namespace Gristmill.Cli.Launcher;

/// <summary>
/// The launcher where the machine is not as it should be: one sentence, exit code 4, and no stack or usage text. dotnet, npm
/// and df are stand-ins that say what the real ones say in each case.
/// </summary>
public sealed class LauncherTests
{
    private const string SdkNotFound = """
        echo "The command could not be loaded, possibly because:"
        echo "Requested SDK version: 10.0.100"
        echo "Install the [10.0.100] .NET SDK or update [global.json] to match an installed SDK." >&2
        exit 155
        """;

    [Fact]
    public async Task Without_dotnet_it_says_what_to_install()
    {
        using var checkout = new LauncherCheckout();

        await checkout.AssertFailsAsync("the .NET SDK is missing", "install .NET SDK 10");
    }

    [Theory]
    [InlineData("echo '8.0.404 [/usr/share/dotnet/sdk]'; echo '9.0.100 [/usr/share/dotnet/sdk]'", "found: 8.0.404 9.0.100)")]
    [InlineData(":", "found: none)")]
    public async Task With_another_sdk_it_names_what_it_found(string listed, string found)
    {
        using var checkout = new LauncherCheckout();
        checkout.Put("dotnet", $"if [ \"$1\" = --list-sdks ]; then {listed}; exit 0; fi\n{SdkNotFound}");

        await checkout.AssertFailsAsync("install .NET SDK 10.0.100 or later", found);
    }

    [Fact]
    public async Task An_sdk_that_ignores_global_json_is_refused_by_its_version()
    {
        using var checkout = new LauncherCheckout();
        checkout.Put("dotnet", "echo 9.0.100");

        await checkout.AssertFailsAsync("the .NET SDK found is 9.0.100");
    }

    [Theory]
    [InlineData("setup", "--help")]
    [InlineData("test", "--help")]
    [InlineData("test", "-h")]
    [InlineData("build", "--help")]
    [InlineData("pack", "--help")]
    [InlineData("docs", "--help")]
    [InlineData("format", "--help")]
    public async Task Help_to_its_own_commands_needs_nothing_and_sets_nothing_up(string command, string help)
    {
        using var checkout = new LauncherCheckout();

        var (code, output, errors) = await checkout.RunAsync(command, help);

        Assert.Equal((0, ""), (code, errors));
        Assert.StartsWith($"usage: ./mill {command}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_npm_it_says_what_to_install()
    {
        using var checkout = new LauncherCheckout();
        checkout.PutDotnet();

        await checkout.AssertFailsAsync("npm is missing: install Node.js");
    }

    [Theory]
    [InlineData("npm error code ENOTFOUND\\nnpm error network request to https://registry.npmjs.org/vega-datasets failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org", "the network or package feed cannot be reached")]
    [InlineData("npm error   code: 'ECONNREFUSED',\\nnpm error   syscall: 'connect',", "the network or package feed cannot be reached")]
    [InlineData("npm error code ENOSPC\\nnpm error nospc ENOSPC: no space left on device, write", "the disk is full")]
    public async Task What_npm_fails_of_is_told(string says, string sentence)
    {
        using var checkout = new LauncherCheckout();
        checkout.PutDotnet();
        checkout.Put("npm", $"printf \"{says}\\n\" >&2; exit 1");

        await checkout.AssertFailsAsync(sentence, "flights data", "log: ");
    }

    [Theory]
    [InlineData("restore", "Pipelines.sln : error NU1301: Unable to load the service index for source https://api.nuget.org/v3/index.json.", "the network or package feed cannot be reached")]
    [InlineData("restore", "a.csproj : error NU1004: The packages lock file is inconsistent with the project dependencies", "packages.lock.json does not match")]
    [InlineData("restore", "NuGet.targets(789,5): error : No space left on device : '/root/.nuget/packages/libtorch'", "the disk is full")]
    [InlineData("build", "Common.targets(4500,5): error MSB3021: Unable to copy file. No space left on device : 'libtorch.so'", "the disk is full")]
    [InlineData("build", "src/Mlp/MlpNetwork.cs(12,3): error CS1002: ; expected [Torch.csproj]", "'Building' failed; the whole log: ")]
    public async Task What_dotnet_fails_of_is_told(string command, string says, string sentence)
    {
        using var checkout = new LauncherCheckout();
        checkout.Put("npm", "exit 0");
        checkout.PutDotnet($"if [ \"$1\" = {command} ]; then echo \"{says}\"; exit 1; fi");

        var error = await checkout.AssertFailsAsync(sentence);

        // The compiler's own words stay; everything else is said by the sentence.
        Assert.Equal(says.Contains("CS1002", StringComparison.Ordinal), error.Contains("CS1002", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_nearly_full_disk_is_told_before_anything_is_fetched()
    {
        using var checkout = new LauncherCheckout();
        checkout.PutDotnet("touch \"$TOUCHED\"");
        checkout.Put("npm", "touch \"$TOUCHED\"");
        checkout.Put("df", "echo 'Filesystem 1048576-blocks Used Available Capacity Mounted on'; echo '/dev/vda 1000 988 12 99% /'");

        await checkout.AssertFailsAsync("the disk is nearly full: 12 MiB free", "256 MiB needed");

        Assert.False(File.Exists(checkout.Touched));
    }

    [Fact]
    public async Task A_checkout_it_cannot_write_to_is_told()
    {
        using var checkout = new LauncherCheckout();
        checkout.PutDotnet();
        checkout.Put("npm", "exit 0");
        checkout.Put("mkdir", "echo \"mkdir: cannot create directory: No space left on device\" >&2; exit 1");

        await checkout.AssertFailsAsync("cannot be made: is the disk full");
    }

    [Fact]
    public async Task Where_all_is_well_it_is_ready_and_the_next_time_does_nothing()
    {
        using var checkout = new LauncherCheckout();
        checkout.PutDotnet();
        checkout.Put("npm", "mkdir -p \"$GRISTMILL_DATA\"; : > \"$GRISTMILL_DATA/flights-3m.parquet\"");

        var (code, error) = await checkout.SetUpAsync();
        Assert.Equal((0, true), (code, error.Contains("==> Building", StringComparison.Ordinal)));

        Assert.Equal((0, "Ready.\n"), await checkout.SetUpAsync());
    }
}
