#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

// A stage that prints, logs a curve and draws a figure: what the console shows of a run's inside.
using System.Text;
using Gristmill;

return await Mill.RunAsync(Pipeline.Create("tracked", static p => p.Run(Stages.Learn)), args);

internal static class Stages
{
    public static int Learn()
    {
        for (var line = 1; line <= 20_000; line++)
        {
            Console.WriteLine($"line {line} of 20000 <b>not markup</b>");
        }

        for (var step = 1; step <= 100; step++)
        {
            Track.Metric("loss", 1.0 / step, step);
        }

        Track.Figure("curve", new Square());
        return 42;
    }
}

internal sealed class Square : IFigure
{
    public string Extension => "svg";

    public void Write(Stream destination) =>
        destination.Write(Encoding.UTF8.GetBytes("""<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>"""));
}
